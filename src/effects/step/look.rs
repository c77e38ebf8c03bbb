//! What can be seen of a block that runs, from the outside: its processes, and what the innermost waits for.

use std::fs;
use std::os::fd::BorrowedFd;

use rustix::termios::LocalModes;
use rustix::termios::tcgetattr;

use crate::model::run::Alive;
use crate::model::text::clean;
use crate::model::time::Millis;

/// Processes of a machine that are looked through; more is another kind of machine.
const PROCESSES: usize = 50_000;
/// Ticks of a processor's clock in a second, as Linux tells them to programs (`USER_HZ`), on every machine it runs on.
const HZ: u64 = 100;

/// A process, as `/proc/PID/stat` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    pid: i32,
    name: String,
    state: char,
    parent: i32,
    group: i32,
    session: i32,
    /// Time on a processor, in ms.
    cpu: Millis,
    /// When it was started, in ticks since boot.
    started: u64,
}

/// `man 5 proc_pid_stat`: the name stands in brackets, and may hold brackets and blanks itself.
fn process(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Process {
        pid: pid.trim().parse().ok()?,
        name: clean(name),
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        cpu: ((number(11)? + number(12)?) * 1_000 / HZ) as Millis,
        started: number(19)?,
    })
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter(|e| e.file_name().to_str().is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())))
        .take(PROCESSES)
        .filter_map(|e| process(&fs::read_to_string(e.path().join("stat")).ok()?))
        .collect()
}

/// Those that a process begot, it among them: in the order in which they stand below each other, the youngest last.
fn family(all: &[Process], leader: i32) -> Vec<&Process> {
    let mut found: Vec<&Process> = all.iter().filter(|p| p.pid == leader).collect();
    let mut at = 0;
    while let Some(parent) = found.get(at).map(|p| p.pid) {
        let mut children: Vec<&Process> = all.iter().filter(|p| p.parent == parent && p.pid != parent).collect();
        children.sort_by_key(|p| p.started);
        found.extend(children);
        at += 1;
    }
    found
}

/// What is seen of a block whose shell is `leader`.
pub(super) fn alive(leader: i32, silent: Millis, terminal: Option<BorrowedFd<'_>>) -> Alive {
    let all = processes();
    let family = family(&all, leader);
    let innermost = family.iter().rev().find(|p| p.pid != leader && p.state != 'Z');
    let hidden = terminal.and_then(|t| tcgetattr(t).ok()).is_some_and(|t| {
        // Editors and pagers read letter by letter and echo by themselves; who asks for a secret waits for a line.
        !t.local_modes.contains(LocalModes::ECHO) && t.local_modes.contains(LocalModes::ICANON)
    });
    Alive {
        pid: leader,
        cpu: family.iter().map(|p| p.cpu).sum(),
        silent,
        program: innermost.map(|p| p.name.clone()).unwrap_or_default(),
        disk: family.iter().any(|p| p.state == 'D'),
        hidden,
    }
}

/// A process that is told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) pid: i32,
    started: u64,
}

/// Processes that belong to a block still: of its session, of its group, begot by it, or known to have been; not the
/// dead ones.
pub(super) fn left(leader: i32, known: &[Known]) -> Vec<Known> {
    let all = processes();
    let below: Vec<i32> = family(&all, leader).iter().map(|p| p.pid).collect();
    let is_known = |p: &Process| known.contains(&Known { pid: p.pid, started: p.started });
    all.iter()
        .filter(|p| p.state != 'Z')
        .filter(|p| below.contains(&p.pid) || p.session == leader || p.group == leader || is_known(p))
        .map(|p| Known { pid: p.pid, started: p.started })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_is_called() {
        let stat = "42 (a) b (c) D 7 42 42 34816 42 4194304 1 2 3 4 150 50 0 0 20 0 1 0 99 1 2 3";
        let p = process(stat).unwrap();
        assert_eq!((p.pid, p.name.as_str(), p.state, p.parent, p.session), (42, "a) b (c", 'D', 7, 42));
        assert_eq!((p.cpu, p.started, p.group), (2_000, 99, 42));
        assert_eq!(process("rubbish"), None);
    }

    #[test]
    fn children_and_their_children_are_of_the_family() {
        let p = |pid, parent, started| Process {
            pid,
            parent,
            started,
            name: pid.to_string(),
            state: 'S',
            group: 1,
            session: 1,
            cpu: 1,
        };
        let all = [p(1, 0, 1), p(5, 1, 9), p(4, 1, 3), p(9, 4, 10), p(7, 6, 2)];
        assert_eq!(family(&all, 1).iter().map(|p| p.pid).collect::<Vec<_>>(), [1, 4, 5, 9]);
    }
}
