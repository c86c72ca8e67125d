//! What `lockstep connect` takes. No secret is among it: those come from stdin.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Connect {
    /// Connect HubSpot by a service key, a private app's token, or OAuth
    #[command(after_help = "\
Examples:
  lockstep connect hubspot --token-stdin < token.txt
  lockstep connect hubspot --oauth --client-id 0123-abcd \\
    --client-secret-stdin < secret.txt
  lockstep connect hubspot --oauth --client-id 0123-abcd --paste     over SSH
  lockstep connect hubspot --webhook-secret-stdin < secret.txt")]
    Hubspot(ConnectHubspot),
    /// Connect ConnectWise PSA by the API keys of a member
    #[command(
        override_usage = "lockstep connect connectwise --site <URL> --company <ID>
                --public-key <KEY> --client-id <GUID> [OPTIONS]",
        after_help = "\
Example:
  lockstep connect connectwise --site na.myconnectwise.net --company acme \\
    --public-key AbCd --client-id 01234567-89ab-cdef-0123-456789abcdef \\
    --private-key-stdin < key.txt"
    )]
    Connectwise(ConnectConnectwise),
}

#[derive(Debug, Args)]
pub struct ConnectHubspot {
    /// Read the token as one line from stdin
    #[arg(long, conflicts_with = "oauth")]
    pub token_stdin: bool,
    /// Read only the secret that signs a private app's webhooks, as one line from stdin
    #[arg(long, conflicts_with_all = ["token_stdin", "oauth", "offline", "base_url"])]
    pub webhook_secret_stdin: bool,
    /// Store it without trying it
    #[arg(long)]
    pub offline: bool,
    /// Another address than HubSpot's own, such as a simulator's
    #[arg(long, value_name = "URL", default_value = "https://api.hubapi.com")]
    pub base_url: String,
    /// Sign in as an app that the portal lets in
    #[arg(long, help_heading = OAUTH, requires = "client_id", conflicts_with = "offline")]
    pub oauth: bool,
    /// The app's client id
    #[arg(long, help_heading = OAUTH, value_name = "ID", value_parser = super::word, requires = "oauth")]
    pub client_id: Option<String>,
    /// Read the app's client secret as one line from stdin
    #[arg(long, help_heading = OAUTH, requires = "oauth")]
    pub client_secret_stdin: bool,
    /// The browser runs on another machine: paste the address it ends at
    #[arg(long, help_heading = OAUTH, requires = "oauth")]
    pub paste: bool,
    /// The port in the app's redirect address http://localhost:PORT/oauth/callback
    #[arg(long, help_heading = OAUTH, value_name = "PORT", requires = "oauth", default_value_t = 8710)]
    pub port: u16,
}

const OAUTH: &str = "Sign in by OAuth";

#[derive(Debug, Args)]
pub struct ConnectConnectwise {
    /// The host you sign in at, such as na.myconnectwise.net, or a whole address
    #[arg(long, value_name = "URL")]
    pub site: String,
    /// The company id of the sign-in page
    #[arg(long, value_name = "ID", value_parser = super::word)]
    pub company: String,
    /// The public key of the API member
    #[arg(long, value_name = "KEY", value_parser = super::word)]
    pub public_key: String,
    /// The client id that ConnectWise gave your integration
    #[arg(long, value_name = "GUID", value_parser = super::word)]
    pub client_id: String,
    /// Read the private key as one line from stdin
    #[arg(long)]
    pub private_key_stdin: bool,
    /// Store it without trying it
    #[arg(long)]
    pub offline: bool,
}
