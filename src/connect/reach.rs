//! Why no answer came: the name, the network, the certificate, or the time. Tells "nothing was sent" from "sent, and no
//! word", and names what a person does about it.

use std::error::Error;

use rustls::CertificateError;

use super::error::{ConnectError, ConnectErrorKind, Fault};
use super::redact::clip_message;
use crate::engine::core::request::Failure;

const INSTALL: &str =
    "Install the system's CA certificates (package ca-certificates), or name a bundle in SSL_CERT_FILE.";

/// The client for TLS cannot be set up at all: in practice because the machine has no CA certificates.
pub(super) fn no_client(error: &reqwest::Error) -> ConnectError {
    let cause = root_cause(error);
    let missing = cause.contains("No CA certificates");
    let message = if missing {
        "This machine has no CA certificates, so that no system can prove who it is.".to_owned()
    } else {
        format!("Secure connections cannot be set up: {cause}.")
    };
    ConnectError::new(if missing { ConnectErrorKind::NoCertificates } else { ConnectErrorKind::Tls }, message, INSTALL)
}

/// What a call that got no answer means. The text may still hold secrets.
pub(super) fn fault(error: &reqwest::Error) -> Fault {
    let host = error.url().and_then(|url| url.host_str()).unwrap_or("the system").to_owned();
    let cause = clip_message(&root_cause(error));
    if error.is_builder() {
        let message = format!("The request to {host} could not be made: {cause}.");
        return Fault::new(ConnectErrorKind::Address, Failure::NotSent(message), "Check the address.");
    }
    if !error.is_connect() {
        let what =
            if error.is_timeout() { "did not answer in time".to_owned() } else { format!("broke off ({cause})") };
        return Fault::unknown(format!("{host} was sent the request and {what}."));
    }
    if let Some(tls) = tls(error) {
        let (what, hint) = certificate(tls);
        let message = format!("No trusted connection to {host}: {}.", what.unwrap_or(&cause));
        return Fault::new(ConnectErrorKind::Tls, Failure::NotSent(message), hint);
    }
    let (cause, hint) = network(error, cause);
    let message = format!("{host} cannot be reached: {cause}.");
    Fault::new(ConnectErrorKind::Unreachable, Failure::NotSent(message), hint)
}

fn network(error: &reqwest::Error, cause: String) -> (String, &'static str) {
    const NETWORK: &str = "Check the address and this machine's network, proxy and firewall.";
    if error.is_timeout() {
        return ("no answer within 10 seconds".to_owned(), NETWORK);
    }
    // The resolver's step has no type of its own that could be asked for.
    if chain(error).any(|cause| cause.to_string() == "dns error") {
        let hint = "Check the spelling of the host and this machine's name resolution (DNS).";
        return (format!("its name is not known ({cause})"), hint);
    }
    let kind = chain(error).find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    match kind {
        Some(std::io::ErrorKind::ConnectionRefused) => {
            (cause, "Check host and port, and whether a firewall or proxy is in between.")
        }
        _ => (cause, NETWORK),
    }
}

/// What is wrong with a certificate, and the next step.
fn certificate(error: &rustls::Error) -> (Option<&'static str>, &'static str) {
    const CLOCK: &str = "Check this machine's clock; if it is right, the host's certificate must be renewed.";
    let rustls::Error::InvalidCertificate(why) = error else {
        return (None, "Check the address: something answers there that does not speak TLS as it should.");
    };
    match why {
        CertificateError::UnknownIssuer => (
            Some("its certificate is signed by nobody this machine trusts"),
            "Install the CA certificates of this machine (package ca-certificates), and that of the proxy where one \
             opens encrypted connections.",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (Some("its certificate has expired"), CLOCK)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            (Some("its certificate is not valid yet"), CLOCK)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            (Some("its certificate is for another host"), "Check the address for a wrong or outdated host name.")
        }
        CertificateError::Revoked => (Some("its certificate was revoked"), "Ask whoever runs the host."),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            Some("its certificate is one that the host signed for itself"),
            "Give the host a certificate of an authority that this machine trusts; one that is used to sign others is no \
             certificate of a host.",
        ),
        _ => (None, "Check the address and the host's certificate."),
    }
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}

pub(super) fn root_cause(error: &reqwest::Error) -> String {
    // The outermost text names the URL, and with it the query: never show that one.
    chain(error).last().map_or_else(|| "no details".to_owned(), ToString::to_string)
}

fn tls(error: &reqwest::Error) -> Option<&rustls::Error> {
    chain(error).find_map(inside)
}

/// TLS errors travel inside I/O errors, sometimes two deep, and an I/O error leaves them out of its chain of causes.
fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    inside(error.downcast_ref::<std::io::Error>()?.get_ref()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_certificate_has_its_own_next_step() {
        let own = rustls::OtherError(std::sync::Arc::new(std::io::Error::other("CaUsedAsEndEntity")));
        let table = [
            (CertificateError::Other(own), "signed for itself", "authority"),
            (CertificateError::UnknownIssuer, "trusts", "ca-certificates"),
            (CertificateError::Expired, "expired", "clock"),
            (CertificateError::NotValidYet, "not valid yet", "clock"),
            (CertificateError::NotValidForName, "another host", "host name"),
            (CertificateError::Revoked, "revoked", "whoever runs"),
        ];
        for (error, said, step) in table {
            let (what, hint) = certificate(&rustls::Error::InvalidCertificate(error.clone()));
            assert!(what.is_some_and(|what| what.contains(said)), "{error:?}");
            assert!(hint.contains(step), "{error:?}: {hint}");
        }
        assert_eq!(certificate(&rustls::Error::DecryptError).0, None);
    }
}
