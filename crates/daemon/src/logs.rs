//! Logs: to standard error for whoever watches, and to a file a day for whoever comes later.

use std::io::Write;
use std::path::{Path, PathBuf};

use oriel_runtime::settings::{LogConfig, LogFormat, LogLevel};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Older files are removed.
const FILES_MAX: usize = 14;

/// Further lines are lost until the writing threads catch up. Room for all is taken at the start,
/// so this is part of what an idle daemon weighs.
const WAITING_LINES_MAX: usize = 4_096;

/// Logs cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Their folder cannot be made.
    #[error("cannot make the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be opened.
    #[error("cannot write logs to {}", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: InitError,
    },
    /// Something else in this process logs.
    #[error("cannot take over logging")]
    Taken(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts to log: to files, and to standard error where somebody watches that, in color or not. Lines are
/// written by threads of their own until the guards are dropped; when those fall far behind, lines are
/// lost rather than the daemon held up.
///
/// # Errors
/// Where no log can be written, or something else logs.
pub fn start(
    data_dir: &Path,
    config: LogConfig,
    watched: Option<bool>,
) -> Result<Vec<WorkerGuard>, LogError> {
    let path = data_dir.join("logs");
    for folder in [data_dir, &path] {
        oriel_launcher::platform::make_private_dir(folder)
            .map_err(|source| LogError::Folder { path: folder.to_owned(), source })?;
    }
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("oriel")
        .filename_suffix("log")
        .max_log_files(FILES_MAX)
        .build(&path)
        .map_err(|source| LogError::Open { path, source })?;
    let (files, files_guard) = off_thread(files);
    let mut guards = vec![files_guard];
    let stderr = watched.map(|colored| {
        // Whoever holds the other end of standard error may have stopped reading.
        let (stderr, guard) = off_thread(std::io::stderr());
        guards.push(guard);
        layer(config.format, colored, stderr)
    });
    tracing_subscriber::registry()
        .with(level(config.level))
        .with(stderr)
        .with(layer(config.format, false, files))
        .try_init()
        .map_err(LogError::Taken)?;
    Ok(guards)
}

fn off_thread(writer: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES_MAX).finish(writer)
}

fn layer<S, W>(format: LogFormat, colored: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_ansi(colored).with_writer(writer);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
