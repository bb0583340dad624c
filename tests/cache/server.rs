//! An HTTP server on loopback that does what it is told, byte by byte, and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The path behind the slash, such as `<hash>.narinfo`.
    pub(crate) name: String,
    /// How often it was asked before.
    pub(crate) before: usize,
    /// The lines behind the first.
    pub(crate) headers: Vec<String>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, more header lines, and a body.
    Status(u16, Vec<String>, Vec<u8>),
    /// These bytes, and the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, and then the same again and again, without an end.
    Endless(Vec<u8>, Vec<u8>),
    /// Nothing, for as long as the server lives.
    Stall,
}

impl Reply {
    pub(crate) fn body(text: impl Into<Vec<u8>>) -> Self {
        Self::Status(200, Vec::new(), text.into())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), b"an error page".to_vec())
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server. It ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    handler: Box<Handler>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    most_connections: AtomicUsize,
    stopped: AtomicBool,
}

impl Server {
    /// Starts one that answers with `handler`, several connections at once.
    pub(crate) fn new(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            handler: Box::new(handler),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            most_connections: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let state = Arc::clone(&shared);
                thread::spawn(move || state.serve(stream.expect("a connection")));
            }
        });
        Self { address, state }
    }

    /// `127.0.0.1:<port>`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `:<port>`, as it is escaped in the name of a file.
    pub(crate) fn port(&self) -> String {
        format!("%3A{}", self.address.port())
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().expect("no panic").clone()
    }

    /// The names of what was asked so far, sorted; and nothing was asked any more.
    pub(crate) fn take_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.state.requests.lock().expect("no panic").drain(..).map(|request| request.name).collect();
        names.sort_unstable();
        names
    }

    /// The most connections that were ever open at once.
    pub(crate) fn most_connections(&self) -> usize {
        self.state.most_connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener up.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn serve(&self, stream: TcpStream) {
        let open = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_connections.fetch_max(open, Ordering::SeqCst);
        // Whoever asks may go away at any time.
        let _ = self.answer_all(stream);
        self.connections.fetch_sub(1, Ordering::SeqCst);
    }

    fn answer_all(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut stream = stream;
        loop {
            let Some(request) = self.read(&mut reader)? else { return Ok(()) };
            match (self.handler)(&request) {
                Reply::Status(status, headers, body) => {
                    let headers = headers.iter().map(|header| format!("{header}\r\n")).collect::<Vec<_>>().concat();
                    let head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
                    // At once: what is sent in pieces is held back until the first is acknowledged.
                    stream.write_all(&[head.into_bytes(), body].concat())?;
                }
                Reply::Raw(bytes) => return stream.write_all(&bytes),
                Reply::Endless(start, more) => {
                    stream.write_all(&start)?;
                    loop {
                        stream.write_all(&more)?;
                    }
                }
                Reply::Stall => {
                    while !self.stopped.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(20));
                    }
                    return Ok(());
                }
            }
        }
    }

    fn read(&self, reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let target = lines[0].strip_prefix("GET /").and_then(|line| line.strip_suffix(" HTTP/1.1")).expect("a GET of HTTP/1.1");
        let mut requests = self.requests.lock().expect("no panic");
        let before = requests.iter().filter(|request| request.name == target).count();
        let request = Request { name: target.to_owned(), before, headers: lines.split_off(1) };
        requests.push(request.clone());
        Ok(Some(request))
    }
}
