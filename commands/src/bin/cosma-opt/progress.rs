//! Progress of planning on the terminal.

use cosma::show::bytes_text;
use cosma::{Bytes, Phase, Progress, Watcher};
use cosma_commands::command::say;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Planning that takes no longer shows no progress: the line could not be read.
const SILENT: Duration = Duration::from_secs(1);

/// How much progress is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// No progress.
    Quiet,
    /// One line that is updated in place and erased at the end, if standard error is a terminal.
    Terminal,
    /// A line for each change, also if standard error is no terminal.
    Verbose,
}

/// A watcher that shows progress, and stops planning once `is_stopped` is set.
pub fn watcher(detail: Detail, is_stopped: Arc<AtomicBool>) -> Watcher {
    let display = Mutex::new(Display::new(detail));
    Watcher::new(move |function, progress| {
        let mut display = display.lock().unwrap_or_else(PoisonError::into_inner);
        let is_stopped = is_stopped.load(Ordering::Relaxed);
        display.show(function, progress, is_stopped);
        if is_stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

struct Display {
    detail: Detail,
    bar: ProgressBar,
    is_shown: bool,
    /// The last line of [`Detail::Verbose`], without the time.
    said: String,
    told_to_stop: bool,
}

impl Display {
    fn new(detail: Detail) -> Display {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is right");
        bar.set_style(style);
        Display { detail, bar, is_shown: false, said: String::new(), told_to_stop: false }
    }

    fn show(&mut self, function: &str, progress: &Progress, is_stopped: bool) {
        if is_stopped && !self.told_to_stop {
            self.told_to_stop = true;
            self.hide();
            if self.detail != Detail::Quiet {
                say("stopped: taking the best plans found so far; Ctrl-C again ends the process");
            }
        }
        match self.detail {
            Detail::Quiet => {}
            Detail::Verbose => {
                let state = state(progress);
                if state != self.said {
                    say(&format!("@{function}: {state}, {}", time(progress)));
                    self.said = state;
                }
            }
            Detail::Terminal if is_stopped || progress.phase == Phase::Done => self.hide(),
            Detail::Terminal if SILENT <= progress.elapsed && io::stderr().is_terminal() => {
                if !self.is_shown {
                    self.bar.set_draw_target(ProgressDrawTarget::stderr());
                    self.is_shown = true;
                }
                self.bar.set_message(format!("@{function}: {}, {}", state(progress), time(progress)));
                self.bar.tick();
            }
            Detail::Terminal => {}
        }
    }

    fn hide(&mut self) {
        if self.is_shown {
            self.bar.set_draw_target(ProgressDrawTarget::hidden());
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
            self.is_shown = false;
        }
    }
}

/// Phase, best cost, bound and gap as text.
fn state(progress: &Progress) -> String {
    let bound = size(progress.lower_bound);
    // On a machine with a clock, what is looked for once there is a plan is time.
    if let (Some(cycles), Some(least)) = (progress.cycles, progress.least_cycles) {
        let gap = if cycles <= least { 0.0 } else { 1.0 - least.0 as f64 / cycles.0 as f64 };
        let gap = if gap == 0.0 { ", proven".into() } else { format!(", gap {:.1} %", 100.0 * gap) };
        return format!("{}, best {cycles} cycles, at least {least}{gap}", progress.phase);
    }
    let Some(best) = progress.planned.or(progress.best) else { return format!("{}, at least {bound}", progress.phase) };
    let gap = match progress.gap() {
        Some(0.0) => ", proven".into(),
        Some(gap) => format!(", gap {:.1} %", 100.0 * gap),
        None => String::new(),
    };
    format!("{}, best {}, at least {bound}{gap}", progress.phase, size(best))
}

fn time(progress: &Progress) -> String {
    format!("{:.0} s of {:.0} s left", progress.left().as_secs_f64(), progress.time_limit.as_secs_f64())
}

fn size(bytes: Bytes) -> String {
    bytes_text(bytes)
}
