//! Just enough of PostgreSQL's protocol to ask a server how it is and to create a database, so that
//! neither needs a client program or a library.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::error::EmbeddedError;
use super::{MAINTENANCE_DATABASE, SUPERUSER};

const PROTOCOL_3_0: u32 = 196_608;
const MESSAGE_MAX: u32 = 1 << 20;
const PROBE_LIMIT: Duration = Duration::from_secs(5);
const CREATE_LIMIT: Duration = Duration::from_secs(60);
/// SQLSTATEs.
const CANNOT_CONNECT_NOW: &str = "57P03";
const DUPLICATE_DATABASE: &str = "42P04";
/// What the loser of a race to create one database may see instead.
const UNIQUE_VIOLATION: &str = "23505";

/// What a server at a socket answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It takes connections (or has no more to give, which is as alive).
    Ready,
    /// It is starting, recovering or shutting down, or did not answer in time.
    NotYet(String),
    /// Nobody listens.
    Absent,
}

enum Failure {
    Io(io::Error),
    Server { sqlstate: String, message: String },
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Asks the server at `socket` whether it takes connections; waits at most 5 s for its answer.
///
/// # Errors
/// [`EmbeddedError::Folder`] when the socket may not be used by us.
pub(super) fn health(socket: &Path) -> Result<Health, EmbeddedError> {
    let absent = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
    let stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if absent.contains(&error.kind()) => return Ok(Health::Absent),
        Err(error) => return Err(EmbeddedError::folder(socket)(error)),
    };
    Ok(match Session::open(stream, PROBE_LIMIT) {
        Ok(session) => {
            session.close();
            Health::Ready
        }
        Err(Failure::Server { sqlstate, message }) if sqlstate == CANNOT_CONNECT_NOW => Health::NotYet(message),
        Err(Failure::Server { .. }) => Health::Ready,
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
            Health::NotYet(format!("nothing for {} s", PROBE_LIMIT.as_secs()))
        }
        Err(Failure::Io(error)) => Health::NotYet(error.to_string()),
    })
}

/// See [`super::PrivateCluster::ensure_database`].
pub(super) fn ensure_database(socket: &Path, name: &str) -> Result<(), EmbeddedError> {
    match create_database(socket, name) {
        Ok(()) => Ok(()),
        Err(Failure::Server { sqlstate, .. }) if sqlstate == DUPLICATE_DATABASE || sqlstate == UNIQUE_VIOLATION => {
            Ok(())
        }
        Err(Failure::Server { message, .. }) => Err(EmbeddedError::Sql { reason: message }),
        Err(Failure::Io(error)) => Err(EmbeddedError::Sql { reason: error.to_string() }),
    }
}

fn create_database(socket: &Path, name: &str) -> Result<(), Failure> {
    let literal = name.replace('\'', "''");
    let identifier = name.replace('"', "\"\"");
    let mut session = Session::open(UnixStream::connect(socket)?, CREATE_LIMIT)?;
    // Asked first: a refused CREATE would put an error into the log at every start.
    let question = format!("SELECT 1 FROM pg_database WHERE datname = '{literal}'");
    if !session.has_rows(&question)? {
        session.has_rows(&format!("CREATE DATABASE \"{identifier}\" TEMPLATE template0"))?;
    }
    session.close();
    Ok(())
}

struct Session(UnixStream);

impl Session {
    fn open(stream: UnixStream, limit: Duration) -> Result<Self, Failure> {
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        let mut session = Self(stream);
        let mut startup = PROTOCOL_3_0.to_be_bytes().to_vec();
        for text in ["user", SUPERUSER, "database", MAINTENANCE_DATABASE, ""] {
            startup.extend(text.as_bytes());
            startup.push(0);
        }
        session.send(&[], &startup)?;
        session.await_ready()?;
        Ok(session)
    }

    fn has_rows(&mut self, sql: &str) -> Result<bool, Failure> {
        let mut body = sql.as_bytes().to_vec();
        body.push(0);
        self.send(b"Q", &body)?;
        self.await_ready()
    }

    fn close(mut self) {
        let _ = self.send(b"X", &[]);
    }

    fn send(&mut self, kind: &[u8], body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
        let message = [kind, &length.to_be_bytes(), body].concat();
        self.0.write_all(&message)
    }

    /// Reads until the server waits for a statement, and tells whether there were rows on the way;
    /// an error ends the session.
    fn await_ready(&mut self) -> Result<bool, Failure> {
        let mut rows = false;
        loop {
            let (kind, body) = self.receive()?;
            match kind {
                b'Z' => return Ok(rows),
                b'D' => rows = true,
                b'E' => return Err(server_error(&body)),
                b'R' if body != [0; 4] => {
                    return Err(io::Error::other("the server asks for a password").into());
                }
                _ => {}
            }
        }
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut kind = [0; 1];
        self.0.read_exact(&mut kind)?;
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if !(4..=MESSAGE_MAX).contains(&length) {
            return Err(io::Error::other("this is not PostgreSQL's protocol"));
        }
        let mut body = Vec::new();
        (&self.0).take(u64::from(length - 4)).read_to_end(&mut body)?;
        Ok((u8::from_be_bytes(kind), body))
    }
}

/// An error is a list of fields: one letter, then text up to a zero byte.
fn server_error(body: &[u8]) -> Failure {
    let field = |letter: u8| {
        body.split(|byte| *byte == 0)
            .find_map(|field| field.strip_prefix(&[letter]))
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default()
    };
    Failure::Server { sqlstate: field(b'C'), message: field(b'M') }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread;

    fn health_of(answer: &'static [u8]) -> Health {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut startup = [0; 8];
            stream.read_exact(&mut startup).unwrap();
            stream.write_all(answer).unwrap();
        });
        let health = health(&socket).unwrap();
        server.join().unwrap();
        health
    }

    #[test]
    fn a_server_that_starts_up_is_waited_for() {
        let answer = b"E\0\0\0\x21SFATAL\0C57P03\0Mstarting up\0\0\0";
        assert_eq!(health_of(answer), Health::NotYet("starting up".to_owned()));
    }

    #[test]
    fn a_full_server_is_alive() {
        assert_eq!(health_of(b"E\0\0\0\x0dC53300\0M\0\0"), Health::Ready);
    }

    #[test]
    fn nonsense_is_not_ready() {
        assert!(matches!(health_of(b"HTTP/1.1 400 Bad Request\r\n"), Health::NotYet(_)));
    }

    #[test]
    fn no_socket_is_absent() {
        assert_eq!(health(Path::new("/nonexistent/socket")).unwrap(), Health::Absent);
    }
}
