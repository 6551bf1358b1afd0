//! The server's socket: where it is, and whether anybody answers.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// The role and the database that every private cluster has.
pub(super) const NAME: &str = "hub";

/// The field of an error response that says "cannot connect now" (`SQLSTATE` 57P03): the server
/// is starting, recovering or stopping.
const REFUSED: &[u8] = b"C57P03\0";

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) folder: PathBuf,
    pub(super) port: u16,
}

/// What a server's socket answers.
pub(super) enum Answer {
    Ready,
    Busy,
    None,
}

/// Opens a session as far as the server's first word (PostgreSQL protocol 3.0, "Message
/// Flow"), because a socket exists long before its server accepts sessions.
pub(super) fn knock(address: &Address) -> Answer {
    let socket = address.folder.join(format!(".s.PGSQL.{}", address.port));
    let Ok(stream) = UnixStream::connect(socket) else {
        return Answer::None;
    };
    let patience = Some(Duration::from_secs(2));
    if stream.set_read_timeout(patience).and_then(|()| stream.set_write_timeout(patience)).is_err() {
        return Answer::None;
    }
    converse(&stream).unwrap_or(Answer::Busy)
}

fn converse(mut stream: &UnixStream) -> std::io::Result<Answer> {
    let parameters = format!("user\0{NAME}\0database\0{NAME}\0\0");
    // A length of about 30 bytes fits; 196,608 is version 3.0.
    let length = u32::try_from(8 + parameters.len()).map_err(|_| ErrorKind::InvalidInput)?;
    let mut opening = length.to_be_bytes().to_vec();
    opening.extend(196_608_u32.to_be_bytes());
    opening.extend(parameters.as_bytes());
    stream.write_all(&opening)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = [0; 5];
        reader.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
        let mut body = Vec::new();
        reader.by_ref().take(length.min(65_536)).read_to_end(&mut body)?;
        match kind {
            // ErrorResponse. Any other refusal (too many sessions, no such database) comes from a
            // server that is up.
            b'E' if body.windows(REFUSED.len()).any(|field| field == REFUSED) => return Ok(Answer::Busy),
            b'E' => return Ok(Answer::Ready),
            // ReadyForQuery: leave politely, or the server logs a broken connection.
            b'Z' => {
                stream.write_all(&[b'X', 0, 0, 0, 4])?;
                return Ok(Answer::Ready);
            }
            _ => {}
        }
    }
}
