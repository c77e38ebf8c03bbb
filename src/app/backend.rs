//! The terminal as ratatui sees it: a frame is one write, wrapped in synchronized output (DEC 2026) where it is more than
//! a few cells, and a frame that changes nothing is no write at all. Nothing is asked of the terminal, not even where its
//! cursor is.
//!
//! On a bad link every byte is somebody's wait: the pen stays where and as the last frame left it (`pen`), so that a
//! clock that steps is two bytes.

mod pen;

use std::cell::RefCell;
use std::io;
use std::io::Write;
use std::rc::Rc;

use ratatui::backend::Backend;
use ratatui::backend::ClearType;
use ratatui::backend::CrosstermBackend;
use ratatui::backend::WindowSize;
use ratatui::buffer::Cell;
use ratatui::layout::Position;
use ratatui::layout::Size;

use crate::app::backend::pen::Pen;

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
/// What is shorter arrives in one piece anyhow.
const SHORT: usize = 160;

/// What a frame is gathered in.
#[derive(Clone, Default)]
struct Frame(Rc<RefCell<Vec<u8>>>);

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Pieces of a frame stay here until the frame is whole.
        Ok(())
    }
}

/// A backend that writes whole frames.
pub struct WholeFrames<W: Write> {
    inner: CrosstermBackend<Frame>,
    frame: Frame,
    out: W,
    pen: Pen,
    cursor: Option<Position>,
    shown: Option<bool>,
}

impl<W: Write> WholeFrames<W> {
    /// A backend on a writer that does not buffer by lines.
    pub fn new(out: W) -> Self {
        let frame = Frame::default();
        Self { inner: CrosstermBackend::new(frame.clone()), frame, out, pen: Pen::default(), cursor: None, shown: None }
    }

    /// Forgets what the terminal is thought to show: something else may have written on it.
    pub fn forget(&mut self) {
        self.pen = Pen::default();
        self.cursor = None;
        self.shown = None;
    }
}

impl<W: Write> Backend for WholeFrames<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        // Drawing moves the cursor.
        self.cursor = None;
        // Of unknown width every column may be the last.
        let width = self.size().map_or(0, |size| size.width);
        let mut frame = self.frame.0.borrow_mut();
        for (x, y, cell) in content {
            self.pen.put(&mut frame, Position { x, y }, cell, width);
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown == Some(false) {
            return Ok(());
        }
        self.shown = Some(false);
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown == Some(true) {
            return Ok(());
        }
        self.shown = Some(true);
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor == Some(position) {
            return Ok(());
        }
        self.cursor = Some(position);
        self.pen.go(&mut self.frame.0.borrow_mut(), position);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, kind: ClearType) -> io::Result<()> {
        self.forget();
        // What is cleared takes the colour of the pen.
        self.pen.plain(&mut self.frame.0.borrow_mut());
        self.inner.clear_region(kind)
    }

    fn size(&self) -> io::Result<Size> {
        // Asked of the kernel before every frame: crossterm would open /dev/tty each time.
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout())?;
        Ok(Size { width: size.ws_col, height: size.ws_row })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut frame = self.frame.0.borrow_mut();
        if frame.is_empty() {
            return Ok(());
        }
        if frame.len() > SHORT {
            frame.splice(..0, BEGIN.iter().copied());
            frame.extend_from_slice(END);
        }
        self.out.write_all(&frame)?;
        frame.clear();
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts writes.
    #[derive(Default)]
    struct Counted(Vec<Vec<u8>>);

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_is_one_write_and_an_unchanged_one_is_none() {
        let mut b = WholeFrames::new(Counted::default());
        let cell = Cell::new("x");
        for width in [100, 1] {
            b.draw((0..width).map(|x| (x, 0, &cell))).unwrap();
            b.hide_cursor().unwrap();
            b.flush().unwrap();
        }
        b.draw(std::iter::empty()).unwrap();
        b.hide_cursor().unwrap();
        b.flush().unwrap();
        assert_eq!(b.out.0.len(), 2);
        assert!(b.out.0[0].starts_with(BEGIN) && b.out.0[0].ends_with(END));
        assert_eq!(b.out.0[1], b"\x1b[1;1Hx", "the cursor is hidden once, and one cell comes whole by itself");
    }
}
