//! The processes of a run: whatever is started is ended again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;

use super::client::{Begun, Come, Mark, Order, Report};
use super::wire::{now_us, told};

/// How long a process may take to end after it was asked to.
const END_WITHIN: Duration = Duration::from_secs(20);

/// How long a line of answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);

/// A process that is ended with the value.
pub struct Process(Child);

/// Lines to a process and its lines back, each with the time when it came.
pub struct Feed {
    input: ChildStdin,
    output: Receiver<(u64, String)>,
}

/// The client program with its subscribers.
pub struct Crew {
    // Its end is the process's end.
    feed: Feed,
    process: Process,
}

/// A publication: its number and the line that makes it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number, which its title holds.
    pub number: u64,
    /// The line.
    pub text: String,
}

impl Process {
    /// Takes care of a process from now on.
    pub fn new(child: Child) -> Self {
        Self(child)
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        let until = Instant::now() + END_WITHIN;
        while Instant::now() < until {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("bench: process {} did not end within {} s and is killed", self.pid(), END_WITHIN.as_secs());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Feed {
    /// Starts a program that is fed.
    pub fn start(command: &mut Command) -> Result<(Process, Self), String> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| told("starting a program", &error))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let process = Process::new(child);
        let input = input.ok_or("a program has no input")?;
        Ok((process, Self { input, output: lines_of(output.ok_or("a program has no output")?) }))
    }

    /// The next line of the program.
    pub fn line(&self) -> Result<(u64, String), String> {
        self.output.recv_timeout(ANSWER_WITHIN).map_err(|error| told("waiting for a program", &error))
    }

    /// Tells the program lines, all at once.
    pub fn tell(&mut self, lines: &str) -> Result<(), String> {
        let written = self.input.write_all(lines.as_bytes()).and_then(|()| self.input.flush());
        written.map_err(|error| told("telling a program", &error))
    }

    /// Publishes at a steady pace, whether or not the last was acknowledged already.
    pub fn publish(&mut self, lines: &[Line], per_second: u32) -> Result<Vec<Mark>, String> {
        let start = Instant::now() + Duration::from_millis(20);
        let start_us = now_us()?.saturating_add(20_000);
        let mut marks = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let after = Duration::from_secs_f64(index as f64 / f64::from(per_second));
            std::thread::sleep((start + after).saturating_duration_since(Instant::now()));
            let scheduled_us = start_us.saturating_add(u64::try_from(after.as_micros()).unwrap_or(u64::MAX));
            self.tell(&format!("{}\n", line.text))?;
            marks.push(Mark { number: line.number, scheduled_us, committed_us: scheduled_us });
        }
        for mark in &mut marks {
            mark.committed_us = self.acknowledged()?;
        }
        Ok(marks)
    }

    /// Publishes everything at once.
    pub fn pour(&mut self, lines: &[Line]) -> Result<(), String> {
        let text: String = lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
        self.tell(&text)?;
        for _ in lines {
            self.acknowledged()?;
        }
        Ok(())
    }

    fn acknowledged(&self) -> Result<u64, String> {
        let (at, line) = self.line()?;
        match line.contains("REFUSED") || line.contains("UNCHANGED") {
            true => Err(format!("a publication was not made: {line}")),
            false => Ok(at),
        }
    }
}

fn lines_of(output: ChildStdout) -> Receiver<(u64, String)> {
    let (heard, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let at = now_us().unwrap_or_default();
            if heard.send((at, line)).is_err() {
                break;
            }
        }
    });
    lines
}

/// This program, started once more.
pub fn again() -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|error| told("looking for the bench", &error))?;
    Ok(Command::new(program))
}

impl Crew {
    /// Subscribes so many times, and waits until all have.
    pub fn start(address: &str, subscribers: usize, document: &str) -> Result<Self, String> {
        let mut command = again()?;
        command.args(["--clients", &subscribers.to_string(), "--url", address, "--document", document]);
        let (process, feed) = Feed::start(&mut command)?;
        let crew = Self { feed, process };
        let begun: Begun = crew.answer()?;
        match begun.problem {
            None => Ok(crew),
            Some(problem) => Err(format!("{} of {subscribers} subscribers did not begin: {problem}", begun.gone)),
        }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Gives an order, and waits for the answer.
    pub fn order<T: DeserializeOwned>(&mut self, order: &Order) -> Result<T, String> {
        let order = serde_json::to_string(order).map_err(|error| error.to_string())?;
        self.feed.tell(&format!("{order}\n"))?;
        self.answer()
    }

    /// Waits until everybody has these publications; refused when somebody is gone.
    pub fn wait_for(&mut self, lines: &[Line], within: Duration) -> Result<Come, String> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Err("nothing to wait for".into()) };
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let come: Come = self.order(&Order::Until { from: first.number, to: last.number, within_ms })?;
        match &come.problem {
            Some(problem) if come.gone > 0 => Err(format!("{} subscribers are gone: {problem}", come.gone)),
            _ => Ok(come),
        }
    }

    /// Sums up the deliveries of publications.
    pub fn report(&mut self, marks: Vec<Mark>) -> Result<Report, String> {
        self.order(&Order::Report { marks })
    }

    /// The frames of publications, as the first subscriber got them.
    pub fn frames(&mut self, lines: &[Line]) -> Result<Vec<Line>, String> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(Vec::new()) };
        let texts: Vec<Option<String>> = self.order(&Order::Frames { from: first.number, to: last.number })?;
        let frames = lines.iter().zip(texts);
        Ok(frames.filter_map(|(line, text)| Some(Line { number: line.number, text: text? })).collect())
    }

    fn answer<T: DeserializeOwned>(&self) -> Result<T, String> {
        let (_, line) = self.feed.line()?;
        serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))
    }
}
