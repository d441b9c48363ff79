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
    /// The new file; without it PEM goes to standard output, unless the token keeps the certificate
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
    /// Writes the file, if there is to be one; the PEM.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub fn save(&self, tag: &str, der: &[u8]) -> Result<String> {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        let pem = pem::encode_config(&pem::Pem::new(tag, der), config);
        if let Some(path) = &self.output {
            files::write(path, if self.der { der } else { pem.as_bytes() })?;
        }
        Ok(pem)
    }

    /// What was made, and where it is. The PEM is shown when it is nowhere else.
    pub fn answer(
        &self,
        pem: String,
        subject: String,
        algorithm: &'static str,
        stored: Option<(u64, String)>,
    ) -> Result<Answer> {
        let mut told = String::new();
        if let Some((_, label)) = &stored {
            told += &format!("{} The certificate of {subject:?} is in token {label:?}.\n", paint(GOOD, "✓"));
        }
        if let Some(path) = &self.output {
            told += &format!("{} {subject:?}: written to {}.\n", paint(GOOD, "✓"), path.display());
        }
        if told.is_empty() {
            told.clone_from(&pem);
        }
        let done = Done {
            subject,
            algorithm,
            file: self.output.as_ref().map(|path| path.display().to_string()),
            certificate: stored.map(|(handle, _)| handle),
            pem: Some(pem).filter(|_| self.output.is_none()),
        };
        Answer::new(told, &done)
    }
}

/// DER that cannot be made of what was said.
pub fn refused(error: impl std::fmt::Display) -> Problem {
    Problem::new(format!("this cannot be written into a certificate: {error}"))
        .advise("look at --subject and --san")
}
