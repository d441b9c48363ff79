//! What `csr` and `self-sign` share: the key that signs, and what is said of its holder.

pub mod signer;
pub mod subject;

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde::Serialize;

use crate::Answer;
use crate::files;
use crate::paint::{GOOD, paint};
use crate::problem::{Problem, Result};

pub use signer::{Signer, Which};
pub use subject::Holder;

/// Where the result goes, and how it is written.
#[derive(Args)]
pub struct Target {
    /// The new file; standard output when none is named
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Write DER and not PEM
    #[arg(long, requires = "output")]
    pub der: bool,
}

#[derive(Serialize)]
struct Done {
    subject: String,
    algorithm: &'static str,
    file: Option<String>,
    /// The handle of the certificate in the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pem: Option<String>,
}

impl Target {
    /// Writes the file, or shows the PEM; a certificate that is `stored` in the token is not shown too.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub fn write(
        &self,
        tag: &str,
        der: Vec<u8>,
        subject: String,
        algorithm: &'static str,
        stored: Option<(u64, String)>,
    ) -> Result<Answer> {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        let text = pem::encode_config(&pem::Pem::new(tag, &der[..]), config);
        let mut told = String::new();
        if let Some((_, label)) = &stored {
            told += &format!("{} The certificate of {subject:?} is in token {label:?}.\n", paint(GOOD, "✓"));
        }
        if let Some(path) = &self.output {
            files::write(path, if self.der { &der } else { text.as_bytes() })?;
            told += &format!("{} {subject:?}: written to {}.\n", paint(GOOD, "✓"), path.display());
        }
        if told.is_empty() {
            told.clone_from(&text);
        }
        let done = Done {
            subject,
            algorithm,
            file: self.output.as_ref().map(|path| path.display().to_string()),
            certificate: stored.map(|(handle, _)| handle),
            pem: Some(text).filter(|_| self.output.is_none()),
        };
        Answer::new(told, &done)
    }
}

/// DER that cannot be made of what was said.
pub fn refused(error: impl std::fmt::Display) -> Problem {
    Problem::new(format!("this cannot be written into a certificate: {error}"))
        .advise("look at --subject and --san")
}
