//! The little of WebSocket that clients need, and what the processes of the bench share.

use std::fmt::Display;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{ClockId, clock_gettime};

/// What a frame begins with when it is the whole of a text.
pub const TEXT: u8 = 0x1;

/// What a frame that says goodbye begins with.
pub const CLOSE: u8 = 0x8;

/// What a frame that wants a pong begins with.
pub const PING: u8 = 0x9;

/// The answer to a ping.
pub const PONG: u8 = 0xA;

/// The files that a process has open beside its sockets, generously.
const OTHER_FILES: u64 = 200;

/// The machine's clock since its start, in microseconds: the same for all processes.
pub fn now_us() -> Result<u64, String> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map_err(|error| format!("reading the clock: {error}"))?;
    let micros = time.tv_sec().saturating_mul(1_000_000).saturating_add(time.tv_nsec() / 1_000);
    Ok(u64::try_from(micros).unwrap_or_default())
}

/// Raises the limit of open files as far as this machine lets it, for this process and those that it starts. Refused
/// when that is too few for so many sockets.
pub fn raise_file_limit(sockets: usize) -> Result<(), String> {
    let failed = |error: nix::Error| format!("asking for the limit of open files: {error}");
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_err(failed)?;
    }
    let needed = u64::try_from(sockets).unwrap_or(u64::MAX).saturating_add(OTHER_FILES);
    if hard < needed {
        return Err(format!(
            "a process may open {hard} files here, and {sockets} subscribers need {needed}: \
             raise the hard limit (ulimit -Hn) or measure fewer with --fanout"
        ));
    }
    Ok(())
}

/// The error with what was being done.
pub fn told(doing: &str, error: &dyn Display) -> String {
    format!("{doing}: {error}")
}

/// A client's frame. Its mask is zero: it changes nothing, and the server takes it off all the same.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => bytes.push(0x80 | length.to_le_bytes()[0]),
        Ok(length) => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend(u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// A server's frame at the beginning of what was read: its opcode, its payload and its length. Null: it is not all
/// there yet.
pub fn parse(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (first, second) = (bytes.first()?, bytes.get(1)?);
    let (length, header) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    let end = length.checked_add(header)?;
    Some((first & 0x0f, bytes.get(header..end)?, end))
}
