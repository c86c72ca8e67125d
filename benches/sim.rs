//! What the simulators can bear: single reads a second over keep-alive connections, and memory with many contacts.
//!
//! `cargo bench --bench sim -- [--contacts N] [--seconds N]`. The simulators run on one thread; the client on another.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base64::Engine;
use lockstep::sim::{Data, Object, Options, Running, Side, Simulators, Size, Sizes};

const USAGE: &str = "sim [--contacts N] [--seconds N]";
/// Reads a second that each system must bear.
const LEAST_READS: f64 = 5_000.0;
/// Resident megabytes that everything may take.
const MOST_MEMORY: f64 = 500.0;

struct Orders {
    contacts: usize,
    seconds: u64,
}

fn orders() -> Option<Orders> {
    let mut orders = Orders { contacts: 100_000, seconds: 3 };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--contacts" => orders.contacts = value.parse().ok().filter(|n| *n > 0)?,
            "--seconds" => orders.seconds = value.parse().ok().filter(|n| *n > 0)?,
            _ => return None,
        }
    }
    Some(orders)
}

fn main() -> ExitCode {
    let Some(orders) = orders() else {
        eprintln!("usage: {USAGE}");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (before, start) = (resident(), Instant::now());
    let sizes =
        Sizes { companies: Size::of(orders.contacts / 10), contacts: Size::of(orders.contacts), ..Sizes::default() };
    let running = runtime.block_on(Simulators::start(Options::quick(Data::Generated(sizes)))).unwrap();
    let took = start.elapsed().as_secs_f64();
    let memory = resident();
    println!("{} contacts and {} companies in each system", orders.contacts, orders.contacts / 10);
    println!("  made in        {took:.1} s");
    println!("  resident       {memory:.0} MB ({before:.0} MB before)");
    let mut fine = verdict(memory <= MOST_MEMORY, &format!("at most {MOST_MEMORY} MB are resident"));
    for side in [Side::HubSpot, Side::ConnectWise] {
        let ids = ids(&running, side);
        let patience = Duration::from_secs(orders.seconds);
        let (reads, busy) = read(&running, side, &ids, patience);
        println!(
            "{}: {reads:.0} single reads a second, the process used {busy:.2} cores (client included)",
            side.title()
        );
        fine &= verdict(reads >= LEAST_READS, &format!("at least {LEAST_READS} reads a second"));
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn verdict(holds: bool, what: &str) -> bool {
    println!("{} {what}", if holds { "yes" } else { "NO " });
    holds
}

/// Some ids all over the table.
fn ids(running: &Running, side: Side) -> Vec<u64> {
    let rows = running.control.records(side, Object::Contact, 0, 20_000);
    rows.iter().filter(|row| row["deleted"] != true).step_by(7).map(|row| row["id"].as_u64().unwrap()).collect()
}

/// Reads a second, and how many cores were busy meanwhile.
fn read(running: &Running, side: Side, ids: &[u64], patience: Duration) -> (f64, f64) {
    let (url, path, headers) = call(running, side);
    let address = url.trim_start_matches("http://");
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut out, mut back) = (stream.try_clone().unwrap(), BufReader::new(stream));
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut done = 0_u32;
    for id in ids.iter().cycle() {
        write!(out, "GET {path}/{id} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n").unwrap();
        answer(&mut back);
        done += 1;
        if done.is_multiple_of(64) && start.elapsed() >= patience {
            break;
        }
    }
    let took = start.elapsed().as_secs_f64();
    (f64::from(done) / took, (cpu_seconds() - cpu) / took)
}

fn call(running: &Running, side: Side) -> (&str, &'static str, String) {
    let c = &running.credentials;
    match side {
        Side::HubSpot => {
            let headers = format!("Authorization: Bearer {}\r\n", c.hubspot_token);
            (&running.hubspot_url, "/crm/objects/2026-09/contacts", headers)
        }
        Side::ConnectWise => {
            let pair = format!("{}+{}:{}", c.connectwise_company, c.connectwise_public_key, c.connectwise_private_key);
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            let headers = format!("Authorization: Basic {pair}\r\nclientId: {}\r\n", c.connectwise_client_id);
            (&running.connectwise_url, "/v2025_1/apis/3.0/company/contacts", headers)
        }
    }
}

/// Reads one answer to its end; it must be a 200.
fn answer(from: &mut BufReader<TcpStream>) {
    let (mut line, mut length) = (String::new(), 0_usize);
    from.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    loop {
        line.clear();
        from.read_line(&mut line).unwrap();
        if line == "\r\n" {
            break;
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
}

/// Resident memory of this process, in megabytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// Processor time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}
