//! Calls over a real socket: what ends them, what is kept of them, what the log says of them.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::connect::budget::Pace;
use crate::engine::core::request::{CreateItem, Priority, Request, RequestBody};
use crate::model::{IntentId, ObjectKind, RunId, System};

#[test]
fn retry_after_comes_in_three_spellings() {
    let now = Timestamp::from_secs(784_887_151); // Tue, 15 Nov 1994 08:12:31 GMT
    let table = [
        ("30", true, Some(30_000)),
        ("600", true, Some(600_000)),
        ("1500", true, Some(1_500)),
        ("1500", false, Some(1_500_000)),
        ("Tue, 15 Nov 1994 08:13:01 GMT", false, Some(30_000)),
        ("Tue, 15 Nov 1994 08:00:00 GMT", false, Some(0)),
        ("99999999999", false, Some(86_400_000)),
        ("soon", true, None),
        ("-4", true, None),
    ];
    for (text, millis, expected) in table {
        assert_eq!(retry_after(text, now, millis).map(|wait| wait.as_millis()), expected, "{text}");
    }
}

const SECRET: &str = "pat-na1-0123456789";
const FAST: Pace = Pace { start: 1000.0, ceiling: 1000.0, burst: 1000.0 };

fn transport(timeout: Duration) -> Transport {
    let options = Options { timeout, ..Options::new(Arc::new(|| Timestamp(1_800_000_000_000))) };
    let budget = Budget::new(FAST, FAST, true);
    Transport::new(HeaderMap::new(), Redactor::new(vec![SECRET.into()]), budget, &options).unwrap()
}

/// A server that does the same with every connection. Gives its address.
async fn server<F, R>(answer: F) -> String
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).await.is_ok() {
                tokio::spawn(answer(stream));
            }
        }
    });
    format!("http://{address}")
}

async fn fixed(answer: Vec<u8>) -> String {
    server(move |mut stream| {
        let answer = answer.clone();
        async move {
            // The other end may have had enough of it.
            drop(stream.write_all(&answer).await);
            drop(stream.shutdown().await);
        }
    })
    .await
}

fn http(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

async fn get(base: &str, call: Call, timeout: Duration) -> Result<Reply, Fault> {
    let url = format!("{base}{}", call.path);
    transport(timeout).send(&url, &call, &mut Session::new(Priority::Pull)).await
}

#[tokio::test]
async fn an_answer_that_drips_for_ever_ends_with_the_time_of_the_call() {
    let base = server(|mut stream| async move {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n").await);
        let mut every = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b" ").await.is_ok() {
            every.tick().await;
        }
    })
    .await;
    let drip = get(&base, Call::get("/"), Duration::from_millis(300));
    let reply = tokio::time::timeout(Duration::from_secs(20), drip).await.unwrap().unwrap();
    assert_eq!(reply.body.unwrap_err(), "the answer did not end in time");
}

/// A server that keeps every caller waiting for `wait`, then answers; and how many called.
async fn slow(wait: Duration) -> (String, Arc<Mutex<u32>>) {
    let called = Arc::new(Mutex::new(0));
    let count = Arc::clone(&called);
    let base = server(move |mut stream| {
        *count.lock().unwrap() += 1;
        async move {
            tokio::time::sleep(wait).await;
            drop(stream.write_all(&http("Connection: close\r\n", b"[]")).await);
            drop(stream.shutdown().await);
        }
    })
    .await;
    (base, called)
}

/// Asks again and again in one request, until nothing more is sent. Answers that refusal and the ends of the calls before it.
async fn until_refused(base: &str, transport: &Transport) -> (Fault, Vec<Result<Reply, Fault>>) {
    let (mut session, mut ends) = (Session::new(Priority::Pull), Vec::new());
    for _ in 0..1000 {
        match transport.send(base, &Call::get("/"), &mut session).await {
            Err(fault) if matches!(fault.failure, Failure::NotSent(_)) => return (fault, ends),
            end => ends.push(end),
        }
    }
    panic!("a request without an end")
}

#[tokio::test]
async fn a_request_whose_calls_run_out_one_after_another_is_given_up_after_two() {
    let (base, called) = slow(Duration::from_secs(20)).await;
    let (fault, ends) = until_refused(&base, &transport(Duration::from_millis(200))).await;
    assert!(ends.iter().all(|end| matches!(end, Err(Fault { failure: Failure::Unknown(_), .. }))), "{ends:?}");
    assert_eq!((ends.len(), *called.lock().unwrap()), (2, 2));
    let Failure::NotSent(message) = &fault.failure else { panic!("{fault:?}") };
    assert!(message.contains("2 calls of one request") && message.contains("127.0.0.1"), "{message}");
    assert!(fault.hint.contains("Try again"), "{fault:?}");
    // The next request starts with all of its time.
    let quick = fixed(http("", b"[]")).await;
    assert_eq!(get(&quick, Call::get("/"), Duration::from_secs(20)).await.unwrap().status, 200);
}

#[tokio::test]
async fn slow_answers_add_up_and_one_call_in_vain_leaves_time_for_others() {
    let (slow, _) = slow(Duration::from_millis(150)).await;
    let transport = transport(Duration::from_millis(300));
    let (_, ends) = until_refused(&slow, &transport).await;
    assert!(ends.iter().all(Result::is_ok) && (7..=20).contains(&ends.len()), "{} ends: {ends:?}", ends.len());

    let dead = fixed(Vec::new()).await;
    let mut session = Session::new(Priority::Pull);
    transport.send(&dead, &Call::get("/"), &mut session).await.unwrap_err();
    assert_eq!(transport.send(&slow, &Call::get("/"), &mut session).await.unwrap().status, 200);
    assert!(!session.is_late);
}

#[tokio::test]
async fn a_small_answer_that_unfolds_beyond_the_limit_is_cut_off() {
    let base = fixed(http("Content-Encoding: gzip\r\n", &bomb(40))).await;
    let reply = get(&base, Call::get("/"), Duration::from_secs(60)).await.unwrap();
    assert_eq!(reply.body.unwrap_err(), "the answer is larger than 32 MB");
    let base = fixed(http("Content-Encoding: gzip\r\n", &bomb(3))).await;
    let reply = get(&base, Call::get("/").single(), Duration::from_secs(60)).await.unwrap();
    assert_eq!(reply.body.unwrap_err(), "the answer is larger than 2 MB");
    let reply = get(&base, Call::get("/"), Duration::from_secs(60)).await.unwrap();
    assert_eq!(reply.body.unwrap().len(), 3 * 1024 * 1024);
}

/// So many megabytes of the letter `a` as gzip, written by hand: one literal and then copies of 258 bytes.
fn bomb(megabytes: usize) -> Vec<u8> {
    let total = megabytes * 1024 * 1024;
    let mut bits = Bits::default();
    bits.push(0b1, 1); // the last block
    bits.push(0b01, 2); // with the fixed code
    bits.code(0x30 + u32::from(b'a'), 8);
    let (copies, rest) = ((total - 1) / 258, (total - 1) % 258);
    for _ in 0..copies {
        bits.code(0b1100_0101, 8); // length 258
        bits.code(0, 5); // distance 1
    }
    for _ in 0..rest {
        bits.code(0x30 + u32::from(b'a'), 8);
    }
    bits.code(0, 7);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(bits.finish());
    out.extend(crc_of_letters(total).to_le_bytes());
    out.extend(u32::try_from(total).unwrap().to_le_bytes());
    out
}

#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    word: u32,
    held: u32,
}

impl Bits {
    fn push(&mut self, value: u32, width: u32) {
        self.word |= value << self.held;
        self.held += width;
        while self.held >= 8 {
            self.out.push(self.word.to_le_bytes()[0]);
            self.word >>= 8;
            self.held -= 8;
        }
    }

    /// Huffman codes go out with their highest bit first.
    fn code(&mut self, code: u32, width: u32) {
        for at in (0..width).rev() {
            self.push((code >> at) & 1, 1);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.held > 0 {
            self.out.push(self.word.to_le_bytes()[0]);
        }
        self.out
    }
}

fn crc_of_letters(length: usize) -> u32 {
    let letter = u32::from(b'a');
    let mut table = [0_u32; 256];
    for (at, entry) in table.iter_mut().enumerate() {
        *entry =
            (0..8).fold(u32::try_from(at).unwrap(), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 });
    }
    !(0..length).fold(u32::MAX, |crc, _| table[((crc ^ letter) & 0xff) as usize] ^ (crc >> 8))
}

#[tokio::test]
async fn a_name_that_nobody_knows_was_not_sent_anything() {
    let fault = get("http://no-such-host.invalid", Call::get("/"), Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(fault.kind, ConnectErrorKind::Unreachable);
    assert!(matches!(&fault.failure, Failure::NotSent(message) if message.contains("name is not known")), "{fault:?}");
    assert!(fault.hint.contains("DNS"), "{fault:?}");
}

#[tokio::test]
async fn something_that_does_not_speak_tls_is_no_trusted_connection() {
    let base = fixed(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await.replace("http:", "https:");
    let fault = get(&base, Call::get("/"), Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(fault.kind, ConnectErrorKind::Tls, "{fault:?}");
    assert!(matches!(fault.failure, Failure::NotSent(_)));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable_and_nothing_was_sent() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let fault = get(&format!("http://{free}"), Call::get("/"), Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(fault.kind, ConnectErrorKind::Unreachable);
    assert!(matches!(fault.failure, Failure::NotSent(_)) && fault.hint.contains("port"), "{fault:?}");
}

#[tokio::test]
async fn calls_share_a_connection_name_themselves_and_teach_the_clock() {
    let connections = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&connections);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.lock().unwrap().push(String::new());
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                seen.lock().unwrap().last_mut().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
                // 1,800,000,060 by its own clock: a minute ahead of ours.
                let date = "Date: Fri, 15 Jan 2027 08:01:00 GMT\r\n";
                drop(stream.write_all(&http(date, b"{}")).await);
            }
        }
    });
    let transport = transport(Duration::from_secs(20));
    assert_eq!(transport.server_clock.now(), None);
    let mut session = Session::new(Priority::Pull);
    for _ in 0..5 {
        transport.send(&format!("{base}/a"), &Call::get("/a"), &mut session).await.unwrap();
    }
    let connections = connections.lock().unwrap().clone();
    assert_eq!(connections.len(), 1, "{connections:?}");
    assert_eq!(connections[0].matches(concat!("user-agent: lockstep/", env!("CARGO_PKG_VERSION"))).count(), 5);
    let clock = transport.server_clock.now().unwrap();
    assert_eq!(clock.samples, 5);
    assert!((clock.offset_ms - 60_000).unsigned_abs() <= clock.uncertainty.as_millis() as u64, "{clock:?}");
}

/// Lines of the log as it is written to the file.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Somebody listens on every thread, for ever. Without that, a line of code that a test without a listener meets first is
/// remembered as one that nobody listens to, at whatever moment that happens.
fn everybody_listens() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let levels = tracing_subscriber::filter::Targets::new().with_target("lockstep", tracing::Level::TRACE);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(levels)).unwrap();
    });
}

async fn logged(call: Call, answer: Option<Vec<u8>>, request: &Request) -> Vec<Json> {
    everybody_listens();
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).json().flatten_event(true);
    let levels = tracing_subscriber::filter::Targets::new().with_target("lockstep", tracing::Level::DEBUG);
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(levels).with(layer));
    let base = match answer {
        Some(answer) => fixed(answer).await,
        None => "http://127.0.0.1:1".to_owned(),
    };
    let url = format!("{base}{}", call.path);
    let mut session = Session::new(request.priority).about(request);
    drop(transport(Duration::from_secs(20)).send(&url, &call, &mut session).await);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn create() -> Request {
    let item = CreateItem {
        intent: IntentId(3),
        values: vec![("name".into(), crate::model::Value::text("Acme Dental"))],
        stamp: "company:42\u{1b}[2J".into(),
    };
    Request {
        system: System::ConnectWise,
        object: ObjectKind::Company,
        priority: Priority::Write,
        run: Some(RunId(812)),
        body: RequestBody::Create { fields: Vec::new(), items: vec![item] },
    }
}

#[tokio::test]
async fn every_call_leaves_one_line_that_leads_back_to_its_record_and_run() {
    let body = serde_json::json!({ "name": "Acme Dental", "email": "dana@example.com" });
    let call = Call::send(Method::POST, "/company/companies?conditions=name%3D%22Acme%22", body);
    let lines = logged(call, Some(http("", b"{\"id\":1,\"name\":\"Acme Dental\"}")), &create()).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    let fields = ["system", "object", "method", "endpoint", "records", "level"].map(|key| line[key].as_str().unwrap());
    let records = "company:42\u{fffd}[2J";
    assert_eq!(fields, ["connectwise", "company", "POST", "/company/companies", records, "DEBUG"]);
    assert_eq!(
        (line["run"].as_u64(), line["status"].as_u64(), line["attempt"].as_u64()),
        (Some(812), Some(200), Some(1))
    );
    assert!(line["ms"].is_u64());
    let text = line.to_string();
    assert!(!text.contains("Acme") && !text.contains("dana") && !text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn trouble_is_told_at_info_without_secrets() {
    let call = Call::get(format!("/oauth/v1/access-tokens/{SECRET}\u{1b}?x=1"));
    let lines = logged(call, None, &create()).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], "INFO");
    assert!(lines[0]["fault"].as_str().unwrap().contains("cannot be reached"), "{lines:?}");
    let text = lines[0].to_string();
    assert!(text.contains("/oauth/v1/access-tokens/[redacted]") && !text.contains(SECRET), "{text}");
}
