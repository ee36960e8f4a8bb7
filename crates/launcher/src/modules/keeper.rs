//! The task that owns what is known of modules.
//!
//! Whatever takes time, a check of a module's files, a program, a delay, runs beside it and sends news
//! with the number of the run it belongs to. News of an earlier run is of no interest any more.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use oriel_link::Link;
use oriel_sign::Key;
use oriel_sign::module::{self, Module, Standing, Start};
use oriel_wire::module::{ModuleLink, ModuleStanding, ModuleState, ModuleView};
use tokio::sync::{mpsc, oneshot};

use super::life::{Deaths, Next};
use super::process::{self, Death, News, Process, Surroundings};
use super::{Ask, ModulesConfig, ModulesError, Reach, leftover};
use crate::platform;

/// More news than this waits at its sender. There are few senders for each module.
const NEWS_WAITING_MAX: usize = 256;

/// Keeps modules until it is told to shut down, or nobody is left who could.
pub(super) async fn run(config: ModulesConfig, mut asked: mpsc::Receiver<Ask>) {
    for id in leftover::end_all(&config.data_dir, config.pace.gone_within).await {
        tracing::warn!(module = id, "a module outlived an earlier daemon and was ended");
    }
    let (tell, mut news) = mpsc::channel(NEWS_WAITING_MAX);
    let mut keeper = Keeper { config, tell, modules: BTreeMap::new(), ending: None };
    keeper.look();
    loop {
        tokio::select! {
            ask = asked.recv(), if keeper.ending.is_none() => match ask {
                Some(ask) => keeper.answer(ask),
                None => keeper.end_all(None),
            },
            Some((id, run, happened)) = news.recv() => keeper.hear(&id, run, happened),
        }
        if keeper.ending.is_some() && keeper.modules.values().all(|kept| kept.process.is_none()) {
            break;
        }
    }
    if let Some(Some(answer)) = keeper.ending {
        // Whoever asked may have gone.
        _ = answer.send(());
    }
}

/// What was found of a module before a start: it, how it stands, or why it cannot be used.
type Looked = Option<Result<Box<(Module, Standing)>, String>>;

/// What becomes of a module.
enum Happened {
    Looked(Looked),
    Of(News),
    Due,
}

struct Keeper {
    config: ModulesConfig,
    tell: mpsc::Sender<(String, u64, Happened)>,
    modules: BTreeMap<String, Kept>,
    /// Whether all is to end, and who waits for it.
    ending: Option<Option<oneshot::Sender<()>>>,
}

/// What is known of one module.
struct Kept {
    view: ModuleView,
    /// Counts starts, so that news of an earlier one is known for that.
    run: u64,
    deaths: Deaths,
    process: Option<Process>,
    /// The way to a module that somebody else runs.
    elsewhere: Option<Reach>,
    /// What to do when the program has ended that was asked to.
    then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It was not asked: its end is a death.
    Death,
    Stop,
    Start,
}

impl Keeper {
    /// Looks which modules there are, and begins to start each.
    fn look(&mut self) {
        for found in module::installed(&self.config.data_dir.join("modules")) {
            match found {
                Ok(module) => self.begin(&module.id),
                Err(error) => {
                    let kept =
                        self.modules.entry(error.id()).or_insert_with_key(|id| Kept::new(id));
                    kept.fail(ModuleState::Broken, error.to_string());
                }
            }
        }
    }

    fn answer(&mut self, ask: Ask) {
        // Whoever asked may have gone, and then nobody needs the answer.
        match ask {
            Ask::List(answer) => {
                let views = self.modules.values().map(|kept| kept.view.clone()).collect();
                _ = answer.send(views);
            }
            Ask::Reach(id, answer) => {
                _ = answer.send(self.modules.get(&id).and_then(Kept::reach));
            }
            Ask::Restart(id, answer) => _ = answer.send(self.restart(&id)),
            Ask::Stop(id, answer) => _ = answer.send(self.stop(&id)),
            Ask::Shutdown(answer) => self.end_all(Some(answer)),
        }
    }

    fn restart(&mut self, id: &str) -> Result<(), ModulesError> {
        let known = self.modules.contains_key(id);
        if !known && !is_installed(&self.config.data_dir, id) {
            return Err(ModulesError::Unknown(id.to_owned()));
        }
        let kept = self.modules.entry(id.to_owned()).or_insert_with_key(|id| Kept::new(id));
        kept.deaths = Deaths::default();
        if kept.process.is_some() {
            kept.end(Then::Start);
        } else {
            self.begin(id);
        }
        Ok(())
    }

    fn stop(&mut self, id: &str) -> Result<(), ModulesError> {
        let kept = self.modules.get_mut(id).ok_or_else(|| ModulesError::Unknown(id.to_owned()))?;
        if kept.elsewhere.is_some() {
            return Err(ModulesError::Elsewhere(id.to_owned()));
        }
        if kept.process.is_some() {
            kept.end(Then::Stop);
        } else {
            // What was on its way to a start arrives too late.
            kept.run += 1;
            kept.view.state = ModuleState::Stopped;
        }
        Ok(())
    }

    fn end_all(&mut self, answer: Option<oneshot::Sender<()>>) {
        self.ending = Some(answer);
        for kept in self.modules.values_mut() {
            kept.run += u64::from(kept.process.is_none());
            kept.end(Then::Stop);
        }
    }

    /// Begins a start: the module is read and its signature checked beside this task.
    fn begin(&mut self, id: &str) {
        let kept = self.modules.entry(id.to_owned()).or_insert_with_key(|id| Kept::new(id));
        kept.run += 1;
        kept.elsewhere = None;
        kept.view.state = ModuleState::Starting;
        let (tell, run, id) = (self.tell.clone(), kept.run, id.to_owned());
        let data_dir = self.config.data_dir.clone();
        tokio::spawn(async move {
            let name = id.clone();
            let look = tokio::task::spawn_blocking(move || look_at(&data_dir, &name)).await;
            let look = look.unwrap_or_else(|error| Some(Err(error.to_string())));
            // Nobody is left to hear it where all has ended.
            _ = tell.send((id, run, Happened::Looked(look))).await;
        });
    }

    fn hear(&mut self, id: &str, run: u64, happened: Happened) {
        let Some(kept) = self.modules.get_mut(id).filter(|kept| kept.run == run) else { return };
        match happened {
            Happened::Looked(None) => _ = self.modules.remove(id),
            Happened::Looked(Some(Err(reason))) => kept.fail(ModuleState::Broken, reason),
            Happened::Looked(Some(Ok(found))) => self.launch(&found.0, &found.1),
            Happened::Of(News::Listens(port)) => kept.listens(port),
            Happened::Of(News::Ended(death)) => self.bury(id, death),
            Happened::Due => self.begin(id),
        }
    }

    fn launch(&mut self, module: &Module, standing: &Standing) {
        let Some(kept) = self.modules.get_mut(&module.id) else { return };
        kept.describe(module, standing);
        if !matches!(standing, Standing::Signed { .. }) {
            let (state, word) = (ModuleState::Refused, words(kept.view.standing));
            return kept.fail(state, format!("it is {word}, so it does not run"));
        }
        if let Start::Address(address) = &module.manifest.start {
            return match elsewhere(&self.config.data_dir, &module.id, address) {
                Ok(reach) => {
                    kept.elsewhere = Some(reach);
                    kept.view.state = ModuleState::Elsewhere;
                }
                Err(error) => kept.fail(ModuleState::Broken, error.to_string()),
            };
        }
        let (sender, id, run) = (self.tell.clone(), module.id.clone(), kept.run);
        let tell = move |news| {
            let (sender, id) = (sender.clone(), id.clone());
            // Nobody is left to hear it where all has ended.
            async move { _ = sender.send((id, run, Happened::Of(news))).await }
        };
        let within = Surroundings {
            data_dir: &self.config.data_dir,
            environment: &self.config.environment,
            pace: self.config.pace,
        };
        match process::start(module, &within, tell) {
            Ok(process) => {
                tracing::info!(module = module.id, pid = process.pid, "a module was started");
                kept.view.pid = Some(process.pid);
                kept.then = Then::Death;
                kept.process = Some(process);
            }
            // It will fail again until somebody does something about it.
            Err(error) => kept.fail(ModuleState::Broken, format!("it cannot be started: {error}")),
        }
    }

    /// Takes note of a program's end, and begins what follows.
    fn bury(&mut self, id: &str, death: Death) {
        let pace = self.config.pace;
        let Some(kept) = self.modules.get_mut(id) else { return };
        kept.process = None;
        (kept.view.pid, kept.view.port) = (None, None);
        match kept.then {
            Then::Stop => kept.view.state = ModuleState::Stopped,
            Then::Start => self.begin(id),
            Then::Death => match kept.deaths.count(death.lived, &pace) {
                Next::GiveUp => {
                    tracing::warn!(module = id, reason = death.reason, "a module is given up");
                    kept.fail(ModuleState::GivenUp, death.reason);
                }
                Next::Again(delay) => {
                    tracing::warn!(module = id, reason = death.reason, ?delay, "a module died");
                    kept.fail(ModuleState::Waiting, death.reason);
                    let (tell, id, run) = (self.tell.clone(), id.to_owned(), kept.run);
                    tokio::spawn(async move {
                        tokio::time::sleep(delay).await;
                        // Nobody is left to hear it where all has ended.
                        _ = tell.send((id, run, Happened::Due)).await;
                    });
                }
            },
        }
    }
}

impl Kept {
    fn new(id: &str) -> Self {
        let view = ModuleView {
            id: id.to_owned(),
            label: id.to_owned(),
            version: String::new(),
            standing: ModuleStanding::Unknown,
            state: ModuleState::Starting,
            pid: None,
            port: None,
            navigation: Vec::new(),
            last_error: None,
            log_tail: String::new(),
        };
        let deaths = Deaths::default();
        Self { view, run: 0, deaths, process: None, elsewhere: None, then: Then::Death }
    }

    fn describe(&mut self, module: &Module, standing: &Standing) {
        let link = |entry: &module::NavEntry| ModuleLink {
            label: entry.label.clone(),
            path: entry.path.clone(),
        };
        let manifest = &module.manifest;
        self.view.label.clone_from(&manifest.label);
        self.view.version.clone_from(&manifest.version);
        self.view.navigation = manifest.navigation.iter().map(link).collect();
        self.view.standing = match standing {
            Standing::Unsigned => ModuleStanding::Unsigned,
            Standing::Stale { .. } => ModuleStanding::Stale,
            Standing::Signed { .. } => ModuleStanding::Signed,
            Standing::Denied { .. } => ModuleStanding::Denied,
        };
    }

    fn listens(&mut self, port: u16) {
        if let Some(process) = &mut self.process {
            process.reach.link = Link::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            self.view.port = Some(port);
            // One that was asked to end meanwhile is not to be reached.
            if self.then == Then::Death {
                self.view.state = ModuleState::Running;
            }
        }
    }

    fn reach(&self) -> Option<Reach> {
        match self.view.state {
            ModuleState::Running => self.process.as_ref().map(|process| process.reach.clone()),
            ModuleState::Elsewhere => self.elsewhere.clone(),
            _ => None,
        }
    }

    /// Asks the program to end, and remembers what for. It stays until it is gone.
    fn end(&mut self, then: Then) {
        let Some(process) = &mut self.process else { return };
        self.then = then;
        self.view.state = match then {
            Then::Start => ModuleState::Starting,
            Then::Stop | Then::Death => ModuleState::Stopped,
        };
        if let Some(end) = process.end.take() {
            // It may have ended by itself at this moment, which is told too.
            _ = end.send(());
        }
    }

    fn fail(&mut self, state: ModuleState, reason: String) {
        if matches!(state, ModuleState::Refused | ModuleState::Broken) {
            tracing::warn!(module = self.view.id, reason, "a module does not run");
        }
        self.view.state = state;
        self.view.last_error = Some(reason);
    }
}

fn words(standing: ModuleStanding) -> &'static str {
    match standing {
        ModuleStanding::Unsigned => "not signed",
        ModuleStanding::Stale => "not what was signed",
        ModuleStanding::Signed => "signed",
        ModuleStanding::Denied => "denied",
        ModuleStanding::Unknown => "unreadable",
    }
}

fn is_installed(data_dir: &Path, id: &str) -> bool {
    // An id that is no name of a folder could lead elsewhere, so it is only compared.
    module::installed(&data_dir.join("modules")).iter().any(|found| match found {
        Ok(module) => module.id == id,
        Err(error) => error.id() == id,
    })
}

/// Reads a module and checks its signature. Nothing is known of one that is gone.
fn look_at(data_dir: &Path, id: &str) -> Looked {
    let modules_dir = data_dir.join("modules");
    if !is_installed(data_dir, id) {
        return None;
    }
    let look = || {
        let module = Module::open(&modules_dir.join(id)).map_err(|error| error.to_string())?;
        let key = Key::open(&data_dir.join("keys")).map_err(|error| error.to_string())?;
        let standing = module.standing(&modules_dir, key.as_ref().map(Key::public));
        Ok(Box::new((module, standing)))
    };
    Some(look())
}

/// Returns the way to a module that somebody else runs. It finds its token, new each time, in
/// `health/module-ID.token`.
fn elsewhere(data_dir: &Path, id: &str, address: &str) -> std::io::Result<Reach> {
    let addr: Option<SocketAddr> = address.parse().ok();
    let addr = addr.filter(|addr| addr.ip().to_canonical().is_loopback());
    let addr = addr.ok_or_else(|| std::io::Error::other("its address is no loopback address"))?;
    let token = process::new_token()?;
    let path = data_dir.join("health").join(format!("module-{id}.token"));
    platform::replace_private(&path, token.as_bytes())?;
    Ok(Reach { link: Link::Tcp(addr), token })
}
