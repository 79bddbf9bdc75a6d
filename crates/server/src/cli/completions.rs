//! `kopeck completions`: for the shell's Tab key.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, context::Globals, fail::Fail};

/// Print completions for a shell: kopeck completions bash > /etc/bash_completion.d/kopeck
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

impl CompletionsArgs {
    pub fn run(&self, globals: &Globals) -> Result<(), Fail> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "kopeck", &mut script);
        globals.out().line(String::from_utf8_lossy(&script).trim_end())
    }
}
