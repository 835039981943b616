//! Starting other programs: what they print, how they fail, and in which environment they run.

use crate::{place, setup};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A problem is one line that says what failed and what to do.
pub type Outcome<T = ()> = Result<T, String>;

pub struct Task {
    command: Command,
    program: String,
}

/// A program to run at the top of the tree.
pub fn command<S: AsRef<std::ffi::OsStr>>(program: &str, arguments: &[S]) -> Task {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(place::root());
    // What `cargo run` tells xtask about itself is not for the programs below it.
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") || shown == "CARGO" {
            command.env_remove(&name);
        }
    }
    Task { command, program: program.to_string() }
}

impl Task {
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Task {
        self.command.env(name, value);
        self
    }

    /// Runs in another folder than the top of the tree.
    pub fn within(mut self, folder: &Path) -> Task {
        self.command.current_dir(folder);
        self
    }

    pub fn without_env(mut self, name: &str) -> Task {
        self.command.env_remove(name);
        self
    }

    pub fn args<S: AsRef<std::ffi::OsStr>>(mut self, arguments: &[S]) -> Task {
        self.command.args(arguments);
        self
    }

    /// Runs with the terminal's own input and output.
    pub fn run(mut self, what: &str) -> Outcome {
        let status = self.command.status().map_err(|error| self.cannot_start(what, &error))?;
        if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
    }

    /// Runs silently; a failure says why in a line, and where the rest of the output is.
    pub fn quietly(self, what: &str) -> Outcome<String> {
        let program = self.program.clone();
        let mut command = self.command;
        let output =
            command.stdin(Stdio::null()).output().map_err(|error| format!("{what}: can't start {program}: {error}"))?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(stdout);
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let log = place::workshop().join("logs/failed.log");
        let kept = std::fs::create_dir_all(place::workshop().join("logs"))
            .and_then(|()| std::fs::write(&log, format!("{what}\n\n{stderr}\n{stdout}")));
        let more = kept.map(|()| format!(" (all of it in {})", place::shown(&log))).unwrap_or_default();
        Err(format!("{what} failed ({}): {}{more}", output.status, reason(&stderr, &stdout)))
    }

    /// Whether it can be started and succeeds; prints nothing.
    pub fn succeeds(mut self) -> bool {
        let status = self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// Runs with all its output in `log`; returns whether it succeeded, and the lines.
    pub fn logged(mut self, log: &Path) -> Outcome<(bool, Vec<String>)> {
        let fail = |error: std::io::Error| format!("{}: {error}", place::shown(log));
        if let Some(folder) = log.parent() {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        let mut file = File::create(log).map_err(fail)?;
        let (reader, writer) = std::io::pipe().map_err(fail)?;
        let second_writer = writer.try_clone().map_err(fail)?;
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(second_writer)
            .spawn()
            .map_err(|error| self.cannot_start("", &error))?;
        // The command keeps its copies of the pipe's writing end, and the reader would wait for them for ever.
        drop(self.command);
        let mut lines = Vec::new();
        for line in BufReader::new(reader).split(b'\n') {
            let line = String::from_utf8_lossy(&line.map_err(fail)?).into_owned();
            writeln!(file, "{line}").map_err(fail)?;
            lines.push(line);
        }
        let status = child.wait().map_err(fail)?;
        Ok((status.success(), lines))
    }

    fn cannot_start(&self, what: &str, error: &std::io::Error) -> String {
        format!("{what}: can't start {}: {error}", self.program)
    }
}

/// What a person wants to read first of a failed program's output, in one line.
fn reason(stderr: &str, stdout: &str) -> String {
    let lines = || stderr.lines().chain(stdout.lines()).map(str::trim).filter(|line| !line.is_empty());
    let telling = |line: &&str| {
        let line = line.to_lowercase();
        ["error", "e:", "npm err", "caused by"].iter().any(|start| line.starts_with(start))
    };
    // npm and cargo say what failed in one line and why in the next.
    let first: Vec<&str> = lines().filter(telling).take(3).collect();
    if first.is_empty() { lines().next_back().unwrap_or("no message").to_string() } else { first.join("; ") }
}

/// The first program of that name on the PATH.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The package manager's own command line, through sudo where the person isn't root.
pub fn apt_get(arguments: &[&str]) -> Outcome<Task> {
    if which("apt-get").is_none() {
        return Err("this system has no apt-get: install it with the system's own package manager".to_string());
    }
    let task = if setup::is_root() {
        command("apt-get", arguments)
    } else if which("sudo").is_some() {
        command("sudo", &["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments)
    } else {
        return Err(format!("needs root and there is no sudo: run `apt-get {}` as root", arguments.join(" ")));
    };
    Ok(task.env("DEBIAN_FRONTEND", "noninteractive"))
}
