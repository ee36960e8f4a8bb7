//! The program: its parts started in order, and ended whatever becomes of them.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel as wait_channel;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use crate::engine;
use crate::options::Options;
use crate::protocol::{Order, read_orders};
use crate::proxy::{self, Proxy, ProxyError, Refused, SystemNames};
use crate::refusals::Refusals;
use crate::teller::Teller;
use crate::window::Window;

/// So much news waits for the window. An order then waits in the pipe; of refusals the rest is dropped.
const NEWS_MAX: usize = 64;

/// A window that has not closed by then, after the host went away, is not waited for.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// What the window is told from outside.
#[derive(Debug)]
pub(crate) enum News {
    /// The host wants something.
    Order(Order),
    /// The host is gone.
    HostGone,
    /// The proxy connected nobody.
    Refused(Refused),
}

/// There can be no preview.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// There is nowhere to show a window.
    #[error("no display can be opened; set DISPLAY or WAYLAND_DISPLAY to that of your session")]
    Display(#[source] gtk::glib::BoolError),
    /// A thread or its runtime cannot be had.
    #[error("the system gives no more threads or files to this program")]
    System(#[source] io::Error),
    /// The proxy cannot be started.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The engine has no place to set a proxy, and without one it would connect to anything.
    #[error(
        "this WebKitGTK takes no proxy, without which no page is opened; install 2.40 or newer"
    )]
    Engine,
}

impl ProgramError {
    /// The error with all of its reasons.
    pub(crate) fn chain(&self) -> String {
        let error: &dyn std::error::Error = self;
        let causes = std::iter::successors(Some(error), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}

/// Shows pages until the window is closed or the host is gone.
pub(crate) fn run(options: &Options) -> Result<(), ProgramError> {
    gtk::init().map_err(ProgramError::Display)?;
    let (news, told) = channel(NEWS_MAX);
    let refusals = Arc::new(Refusals::default());
    let (learned, ready) = oneshot::channel();
    let proxy = start_proxy(options, &news, &refusals, learned)?;
    let engine = engine::start(&proxy, options.automation).ok_or(ProgramError::Engine)?;
    let teller = Teller::start(io::stdout(), news.clone()).map_err(ProgramError::System)?;
    let window = Window::open(engine, refusals, teller);
    // A WebDriver starts a program without an input. It ends it as well.
    if !options.automation {
        start_orders(news).map_err(ProgramError::System)?;
    }
    window.run(ready, options.url.as_deref(), told);
    Ok(())
}

/// Starts the proxy in a thread of its own, and returns its address.
fn start_proxy(
    options: &Options,
    news: &Sender<News>,
    refusals: &Arc<Refusals>,
    learned: oneshot::Sender<()>,
) -> Result<String, ProgramError> {
    let pins = options.resolve.clone();
    let (news, refusals) = (news.clone(), Arc::clone(refusals));
    let on_refused = Box::new(move |refused: Refused| {
        refusals.note(&refused.host, refused.port, &refused.why.to_string());
        // A page that makes more of them than the window can take is told of often enough.
        let _ = news.try_send(News::Refused(refused));
    });
    // Nobody waits any more where the window is gone already.
    let on_learned = Box::new(move || {
        let _ = learned.send(());
    });
    let (started, start) = wait_channel();
    let serve = move || {
        let served = proxy::run(async {
            match Proxy::bind(pins, SystemNames, on_refused, on_learned).await {
                Ok(proxy) => {
                    let _ = started.send(Ok(proxy.uri()));
                    match proxy.serve().await {}
                }
                Err(error) => drop(started.send(Err(ProgramError::from(error)))),
            }
        });
        if let Err(error) = served {
            let _ = started.send(Err(ProgramError::System(error)));
        }
    };
    spawn("proxy", serve).map_err(ProgramError::System)?;
    start.recv().unwrap_or_else(|_| Err(ProgramError::System(io::ErrorKind::Other.into())))
}

/// Reads the host's orders in a thread of its own. When there are no more, the program ends.
fn start_orders(news: Sender<News>) -> io::Result<()> {
    spawn("orders", move || {
        let read = read_orders(io::stdin().lock(), |order| {
            // Fails only when the window is gone, and the program with it.
            let _ = news.blocking_send(News::Order(order));
        });
        if let Ok(dropped @ 1..) = read {
            complain(&format!("{dropped} lines of the host could not be read"));
        }
        // Not waited for: where the window no longer takes news the process has to end all the same.
        let _ = news.try_send(News::HostGone);
        let (_never, ended) = wait_channel::<()>();
        let _ = ended.recv_timeout(CLOSE_WAIT);
        std::process::exit(0);
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// Says something to whoever reads the program's errors.
#[expect(
    clippy::print_stderr,
    reason = "the output is the protocol; the host keeps this in its log"
)]
pub(crate) fn complain(said: &str) {
    eprintln!("oriel-preview: {said}");
}

/// What the window reads news from.
pub(crate) type Newsstand = Receiver<News>;

/// Comes when the engine can be sent anywhere.
pub(crate) type Ready = oneshot::Receiver<()>;
