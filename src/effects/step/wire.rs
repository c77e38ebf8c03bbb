//! What a cabina and the supervisor of its steps say to each other: frames over a socket of this machine. One byte
//! tells what follows (0: JSON, 1: bytes of a terminal), four how long it is, little end first.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use crate::model::run::Alive;
use crate::model::run::Head;
use crate::model::run::Part;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::time::Millis;

/// No frame is longer: the longest carries a line of the run with the end of an output in it.
const LONGEST: u32 = 4 * 1024 * 1024;
/// Bytes that go in one piece, where there are more.
const TOGETHER: usize = 64 * 1024;
const JSON: u8 = 0;
const BYTES: u8 = 1;

/// What a supervisor needs to begin; given to it on its standard input, where nobody else reads it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Opening {
    /// What is known of the run.
    pub head: Head,
    /// The folder of runs.
    pub folder: PathBuf,
    /// Values that must not be seen in any output.
    pub hidden: Vec<String>,
    /// Variables that the procedure speaks of.
    pub names: Vec<String>,
    /// Values given before it began, by name.
    pub values: BTreeMap<String, String>,
    /// Names of values that must not be seen, beside those that say so themselves.
    #[serde(default)]
    pub unseen: Vec<String>,
    /// The store to say to that it is alive.
    pub store: Option<PathBuf>,
    /// The run is there already: its supervisor is gone.
    pub resumes: bool,
}

/// A block to be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The step.
    pub step: String,
    /// What of it.
    pub part: Part,
    /// The commands, as a shell reads them.
    pub text: String,
    /// The same with what is known filled in: what is written down.
    pub shown: String,
    /// The size of its terminal, columns and rows; without one a prompt fails at once.
    pub terminal: Option<(u16, u16)>,
    /// It is killed after so long.
    #[serde(default)]
    pub killed_after: Option<Millis>,
}

/// What a cabina says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// It is here, and knows the run up to this line.
    Hello {
        /// The version that it speaks.
        protocol: u32,
        /// The last line that it has.
        have: u64,
    },
    /// Something to be written down.
    Tell {
        /// What.
        what: What,
    },
    /// Run this.
    Start {
        /// What.
        start: Start,
    },
    /// A value for the commands to come.
    Give {
        /// Its name.
        name: String,
        /// The value.
        value: String,
        /// It must not be seen.
        secret: bool,
    },
    /// The terminal has this size now.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// These must not be seen in any output either.
    Hide {
        /// The values.
        values: Vec<String>,
    },
    /// Stop what runs.
    Stop {
        /// At once, and whatever it does about it.
        kill: bool,
    },
    /// Something of a newer version.
    #[serde(other)]
    Unknown,
}

/// What a supervisor says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Say {
    /// It is here.
    Hello {
        /// The version that it speaks.
        protocol: u32,
        /// Its process.
        pid: u32,
    },
    /// A line of the run; it is on the disk.
    Told {
        /// The line.
        told: Told,
    },
    /// All lines so far have been told. What was printed while nobody listened follows, its end.
    Caught {
        /// Lines printed meanwhile.
        missed: u64,
    },
    /// What is seen of the block that runs.
    Alive {
        /// What.
        alive: Alive,
    },
    /// Variables that blocks left behind, or that were there; secret ones are hidden.
    Known {
        /// By name.
        values: BTreeMap<String, String>,
    },
    /// It has happened, and the disk does not take it yet: it is tried again.
    Unwritten {
        /// The block has ended whose end is not written.
        ended: Option<u64>,
        /// Why.
        why: String,
    },
    /// It was not done.
    Refused {
        /// Why.
        why: String,
    },
    /// Another cabina drives from now on.
    Displaced,
    /// Something of a newer version.
    #[serde(other)]
    Unknown,
}

/// A frame.
#[derive(Debug)]
pub enum Frame<T> {
    /// Something said.
    Said(T),
    /// Bytes from a terminal, or for one.
    Bytes(Vec<u8>),
}

/// Reads the next frame; `None` at the end.
///
/// # Errors
/// When the other side is gone, or says what is no frame.
pub async fn read<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame<T>>> {
    let kind = match from.read_u8().await {
        Ok(kind) => kind,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    };
    let length = from.read_u32_le().await?;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes).await?;
    match kind {
        JSON => {
            let text = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
            Ok(Some(Frame::Said(serde_json::from_str(&text)?)))
        }
        BYTES => Ok(Some(Frame::Bytes(bytes))),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Writes a frame.
///
/// # Errors
/// When the other side is gone.
pub async fn write<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), frame: &Frame<T>) -> io::Result<()> {
    let said;
    let (kind, bytes) = match frame {
        Frame::Said(said_) => {
            said = serde_json::to_vec(said_)?;
            (JSON, &said)
        }
        Frame::Bytes(bytes) => (BYTES, bytes),
    };
    let mut whole = Vec::with_capacity(bytes.len() + 5);
    whole.push(kind);
    whole.extend((bytes.len() as u32).to_le_bytes());
    whole.extend_from_slice(bytes);
    to.write_all(&whole).await
}

/// Writes what is said until nobody says more, or nobody listens. What waits goes together: a flood comes in small
/// pieces, each of which costs the other side as much as a large one.
pub async fn pass_on<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), frames: &mut mpsc::Receiver<Frame<T>>) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(frame) => Some(frame),
            None => frames.recv().await,
        };
        let Some(mut frame) = first else { return };
        while let Frame::Bytes(bytes) = &mut frame
            && bytes.len() < TOGETHER
            && let Ok(more) = frames.try_recv()
        {
            let Frame::Bytes(more) = more else {
                next = Some(more);
                break;
            };
            bytes.extend(more);
        }
        if write(to, &frame).await.is_err() {
            return;
        }
    }
}
