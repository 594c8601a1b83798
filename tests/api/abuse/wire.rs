//! Requests byte by byte: what no client would send.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long a server may take to answer, or to close.
const PATIENCE: Duration = Duration::from_secs(8);

/// What came back before the connection was closed.
#[derive(Debug)]
pub struct Reply(pub String);

/// Sends these bytes, and says that they are all. A server that neither answers nor closes fails the test.
#[track_caller]
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // Whoever refuses early also closes early: the rest then cannot be written.
    let _refused = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(length) => read.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("neither answered nor closed: {error}"),
        }
    }
    Reply(String::from_utf8_lossy(&read).into_owned())
}

/// The head of a request, its lines ended, for as many as there are; without the empty line.
pub fn head(method: &str, target: &str, lines: &[String]) -> String {
    let lines = lines.iter().map(|line| format!("{line}\r\n")).collect::<Vec<_>>().concat();
    format!("{method} {target} HTTP/1.1\r\nHost: lastroom.test\r\n{lines}")
}

impl Reply {
    /// How many answers there were.
    pub fn answers(&self) -> usize {
        self.0.matches("HTTP/1.1 ").count()
    }

    /// Of the first answer; None: it was closed without one.
    pub fn status(&self) -> Option<u16> {
        self.0.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
    }

    /// Of the first answer, if it is a problem document.
    pub fn code(&self) -> String {
        let body = self.0.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let problem: Value = serde_json::from_str(body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }
}
