//! Where a system lives: reading addresses, refusing plain http to other machines, escaping what goes into a query.

use std::net::IpAddr;

use reqwest::Url;

use super::error::{ConnectError, ConnectErrorKind};

/// The address of a system's API: scheme, host, port and perhaps a path before all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base(Url);

impl Base {
    /// Reads `https://host[:port][/path]`; a bare host means https.
    ///
    /// # Errors
    /// An address that cannot be read, and plain http to anything but this machine.
    pub fn parse(text: &str) -> Result<Self, ConnectError> {
        let text = text.trim();
        let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&full).map_err(|_| unreadable(text))?;
        let Some(host) = url.host_str() else { return Err(unreadable(text)) };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConnectError::new(
                ConnectErrorKind::Address,
                format!("The address of {host} has a user name or password in it."),
                "Give the address alone; credentials have their own place.",
            ));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => {
                return Err(ConnectError::new(
                    ConnectErrorKind::PlainHttp,
                    format!("{host} would be spoken to without encryption, so nothing was sent."),
                    "Use https://. Plain http:// is accepted for this machine only (127.0.0.1, ::1, localhost).",
                ));
            }
            _ => return Err(unreadable(text)),
        }
        Ok(Self(url))
    }

    /// The full address of a path that begins with `/` and may carry a query.
    pub fn join(&self, path: &str) -> String {
        let mut root = self.0.clone();
        root.set_query(None);
        root.set_fragment(None);
        format!("{}{path}", root.as_str().trim_end_matches('/'))
    }

    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or("?")
    }
}

fn unreadable(text: &str) -> ConnectError {
    ConnectError::new(
        ConnectErrorKind::Address,
        format!("`{}` is not an address.", super::redact::clip_message(text)),
        "Write it as https://host or https://host:port.",
    )
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Where a ConnectWise site answers API calls. In the cloud that is another host than the one people log in at.
pub(crate) fn connectwise_api_host(site: &str) -> String {
    let cloud = site.ends_with(".myconnectwise.net") || site.ends_with(".connectwisedev.com");
    if cloud && !site.starts_with("api-") { format!("api-{site}") } else { site.to_owned() }
}

/// A site as people write it (`https://na.myconnectwise.net/`), reduced to the host people log in at.
pub(crate) fn connectwise_site(text: &str) -> String {
    let text = text.trim();
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = bare.split('/').next().unwrap_or(bare).to_ascii_lowercase();
    let cloud = host.ends_with(".myconnectwise.net") || host.ends_with(".connectwisedev.com");
    match host.strip_prefix("api-") {
        Some(login) if cloud => login.to_owned(),
        _ => host,
    }
}

/// An address as it is pasted from a call (`http://localhost:9101/v2025_1/apis/3.0`), without the code base and what
/// follows it: both are found by asking.
pub(crate) fn connectwise_root(base: &str) -> &str {
    let base = base.trim().trim_end_matches('/');
    let base = base.split_once("/apis/").map_or(base, |(before, _)| before);
    let base = base.strip_suffix("/apis").unwrap_or(base);
    let is_code_base = |segment: &str| {
        let mut letters = segment.chars();
        letters.next() == Some('v')
            && letters.next().is_some_and(|letter| letter.is_ascii_digit())
            && segment.contains('_')
    };
    match base.rsplit_once('/') {
        Some((root, segment)) if is_code_base(segment) && !root.ends_with('/') => root,
        _ => base,
    }
}

/// The text as the value of a query parameter. Commas and slashes stay readable; everything else that could mean
/// something to a URL is escaped.
pub(crate) fn query_value(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,/:()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The text as one segment of a path.
pub(crate) fn path_segment(text: &str) -> String {
    query_value(text).replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:80/x", "https://api.hubapi.com"] {
            assert!(Base::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["http://api.hubapi.com", "http://10.0.0.1", "http://localhost.evil.example", "http://127.0.0.1.nip.io"]
        {
            assert_eq!(Base::parse(bad).unwrap_err().kind, ConnectErrorKind::PlainHttp, "{bad}");
        }
        for bad in ["ftp://x", "", "https://", "https://user:pw@host"] {
            assert_eq!(Base::parse(bad).unwrap_err().kind, ConnectErrorKind::Address, "{bad}");
        }
    }

    #[test]
    fn paths_are_appended_to_whatever_path_the_base_has() {
        assert_eq!(Base::parse("127.0.0.1:9/").unwrap().join("/a?b=c"), "https://127.0.0.1:9/a?b=c");
        assert_eq!(Base::parse("http://localhost:9/hub/").unwrap().join("/a"), "http://localhost:9/hub/a");
    }

    #[test]
    fn cloud_sites_answer_calls_at_their_api_host() {
        let table = [
            ("na.myconnectwise.net", "na.myconnectwise.net", "api-na.myconnectwise.net"),
            ("https://EU.myconnectwise.net/v4_6_release", "eu.myconnectwise.net", "api-eu.myconnectwise.net"),
            ("api-au.myconnectwise.net", "au.myconnectwise.net", "api-au.myconnectwise.net"),
            ("staging.connectwisedev.com", "staging.connectwisedev.com", "api-staging.connectwisedev.com"),
            ("psa.example.com", "psa.example.com", "psa.example.com"),
        ];
        for (written, site, api) in table {
            assert_eq!(connectwise_site(written), site);
            assert_eq!(connectwise_api_host(site), api);
        }
    }

    #[test]
    fn an_address_that_is_pasted_whole_is_cut_to_its_root() {
        for written in [
            "http://127.0.0.1:9101",
            "http://127.0.0.1:9101/",
            "http://127.0.0.1:9101/v2025_1/apis/3.0",
            " http://127.0.0.1:9101/v4_6_release/apis/3.0/company/companies ",
            "http://127.0.0.1:9101/v4_6_release/",
            "http://127.0.0.1:9101/v2025_1/apis",
        ] {
            assert_eq!(connectwise_root(written), "http://127.0.0.1:9101", "{written}");
        }
        assert_eq!(connectwise_root("http://localhost:9/cw/v2025_1/apis/3.0"), "http://localhost:9/cw");
        assert_eq!(connectwise_root("http://v1_host/"), "http://v1_host");
    }

    #[test]
    fn query_values_are_escaped() {
        assert_eq!(query_value(r#"a = "x&y+z%" and b>1"#), "a%20%3D%20%22x%26y%2Bz%25%22%20and%20b%3E1");
        assert_eq!(path_segment("a/b é"), "a%2Fb%20%C3%A9");
    }
}
