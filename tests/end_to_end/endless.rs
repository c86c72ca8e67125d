//! A list that names ever more companies, over HTTP: the run ends with a word, nothing that is made up gets anywhere, and
//! all goes on once the list has an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::contacts::contact;
use super::*;

/// Between Lockstep and ConnectWise: lets all pass, and, while it lies, answers for the list of companies.
struct Proxy {
    url: String,
    lies: Arc<AtomicBool>,
    pages: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    async fn before(bench: &Bench) -> Self {
        let real = bench.running.connectwise_url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (lies, pages) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (told, counted) = (Arc::clone(&lies), Arc::clone(&pages));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, real.clone(), Arc::clone(&told), Arc::clone(&counted)));
            }
        });
        let proxy = Self { url, lies, pages, task };
        let [_, Connection::ConnectWise(mut there, key)] = connections(&bench.running) else { panic!("no connection") };
        there.site.clone_from(&proxy.url);
        Connection::ConnectWise(there, key).save(&mut bench.workspace.settings().unwrap()).unwrap();
        proxy
    }

    fn lie(&self, lies: bool) {
        self.lies.store(lies, Ordering::SeqCst);
        self.pages.store(0, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request and its answer; the connection ends with it.
async fn serve(mut client: TcpStream, real: String, lies: Arc<AtomicBool>, pages: Arc<AtomicU32>) -> Option<()> {
    let (head, body) = request(&mut client).await?;
    let forged = page(&head).filter(|_| lies.load(Ordering::SeqCst));
    if let Some(page) = forged {
        pages.fetch_add(1, Ordering::SeqCst);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            page.len()
        );
        client.write_all(head.as_bytes()).await.ok()?;
        client.write_all(page.as_bytes()).await.ok()?;
    } else {
        let mut server = TcpStream::connect(real).await.ok()?;
        let (line, rest) = head.split_once("\r\n")?;
        server.write_all(format!("{line}\r\nconnection: close\r\n{rest}").as_bytes()).await.ok()?;
        server.write_all(&body).await.ok()?;
        tokio::io::copy(&mut server, &mut client).await.ok()?;
    }
    client.shutdown().await.ok()
}

/// Head, with the empty line behind it, and body.
async fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end + 4]).into_owned();
            if bytes.len() >= head.len() + content_length(&head) {
                return Some((head, bytes.split_off(end + 4)));
            }
        }
        client.read_buf(&mut bytes).await.ok().filter(|n| *n > 0)?;
    }
}

fn content_length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
}

/// For a request for a page of companies: as many as are asked for, all alive, behind the last one that is known.
fn page(head: &str) -> Option<String> {
    let path = head.lines().next()?.split_once("/company/companies?")?.1;
    let number_after = |text: &str| {
        let digits = path.split_once(text)?.1;
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    if !path.contains("orderBy=id%20asc") {
        return None;
    }
    let after = number_after("id%20%3E%20").unwrap_or(0);
    let one = |id: u64| {
        json!({
            "id": id, "identifier": format!("MADEUP{id}"), "name": format!("Made up {id}"), "city": "Ulm",
            "deletedFlag": false, "_info": {"lastUpdated": "2024-05-01T08:00:00Z"},
        })
    };
    let rows: Vec<Json> = (after + 1..=after + number_after("pageSize=")?).map(one).collect();
    Some(Json::from(rows).to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn companies_without_end_stop_the_run_and_all_goes_on_when_they_have_one() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let pat = contact(System::HubSpot, bench.hubspot_contact("pat@acme.example", Some(hubspot)));
    let proxy = Proxy::before(&bench).await;
    bench.settle().await;
    let partner = bench.partner(pat);
    assert!(partner.is_some(), "what is honest passes");

    proxy.lie(true);
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    let before = bench.now();
    let (code, out) = bench.exit_code("--json sync --once").await;
    assert_eq!(code, 1, "{out}");
    let word = "ConnectWise's list of companies has no end: it brought 10000 records and counts ";
    assert!(out.contains(word) && out.contains("The next run reads it from its beginning."), "{out}");
    assert_eq!(proxy.pages.load(Ordering::SeqCst), 10);
    assert_eq!(bench.writes_since(before), [], "nothing that is made up gets anywhere");
    assert_eq!(bench.workspace.reader().unwrap().open_intents().unwrap(), []);
    bench.assert_pairs(&["Acme".to_owned()]);

    proxy.lie(false);
    bench.settle().await;
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Bonn");
    assert_eq!(bench.partner(pat), partner);
    bench.assert_pairs(&["Acme".to_owned()]);
    let made_up = |record: &Json| record["name"].as_str().is_some_and(|name| name.starts_with("Made up"));
    assert!(!bench.live(HUBSPOT).iter().any(made_up), "nor later");
}
