//! The window: the bar, the page below it, and what each does to the other.
//!
//! Everything here runs on one thread, the one of GTK, which owns all of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gtk::glib::{self, Propagation};
use gtk::prelude::*;
use gtk::{Box as Column, Orientation, WindowType, gdk};
use url::Url;
use webkit2gtk::{LoadEvent, NetworkError, PolicyError, WebView, WebViewExt};

use crate::bar::Bar;
use crate::denials::{self, Owner};
use crate::engine;
use crate::outbox::Outbox;
use crate::pages;
use crate::place::{self, ONLY_WEB, Shown};
use crate::program::{News, Newsstand, Ready, complain};
use crate::protocol::{Order, TITLE_BYTES_MAX, Telling};
use crate::proxy::{FIRST, Refused};
use crate::refusals::Refusals;
use crate::teller::Teller;
use crate::text::clean;

/// An engine that has not made its first request by then is not waited for.
const READY_WAIT: Duration = Duration::from_secs(10);

const SIZE: (i32, i32) = (1100, 800);

/// No page makes the window smaller than this, so there is room for the bar.
const SIZE_MIN: (i32, i32) = (480, 320);

/// The window and what it knows.
#[derive(Clone)]
pub(crate) struct Window(Rc<Inside>);

struct Inside {
    window: gtk::Window,
    bar: Bar,
    view: WebView,
    /// Gone once the last thing was told.
    teller: RefCell<Option<Teller>>,
    outbox: RefCell<Outbox>,
    /// Whether a look at the outbox is planned.
    planned: Cell<bool>,
    refusals: Arc<Refusals>,
    /// The page that is shown. None while there is none, or one of ours.
    page: RefCell<Option<Url>>,
    /// The address that was asked for last, and that Reload asks for when a page of ours is shown.
    wanted: RefCell<Option<Url>>,
    /// Whether the engine was asked for it and has nothing of it yet.
    pending: Cell<bool>,
    /// What is asked for once a page of ours is there: the engine loses what comes in between.
    next: RefCell<Option<Url>>,
    ours: Cell<Ours>,
}

/// Whether a page of ours is shown in place of one that could not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    No,
    Coming,
    Shown,
}

impl Window {
    /// Opens the window, without a page.
    pub(crate) fn open(view: WebView, refusals: Arc<Refusals>, teller: Teller) -> Self {
        let window = gtk::Window::new(WindowType::Toplevel);
        window.set_title("Preview");
        window.set_default_size(SIZE.0, SIZE.1);
        window.set_size_request(SIZE_MIN.0, SIZE_MIN.1);
        let bar = Bar::new();
        let column = Column::new(Orientation::Vertical, 0);
        engine::fill(&view);
        column.pack_start(&bar.row, false, false, 0);
        column.pack_start(&view, true, true, 0);
        window.add(&column);
        let inside = Rc::new(Inside {
            window,
            bar,
            view,
            teller: RefCell::new(Some(teller)),
            outbox: RefCell::default(),
            planned: Cell::new(false),
            refusals,
            page: RefCell::new(None),
            wanted: RefCell::new(None),
            pending: Cell::new(false),
            next: RefCell::new(None),
            ours: Cell::new(Ours::No),
        });
        inside.bar.can_go(false, false);
        denials::attach(&inside.view, &inside);
        attach_view(&inside);
        attach_bar(&inside);
        inside.window.show_all();
        inside.view.grab_focus();
        Self(inside)
    }

    /// Runs until the window is closed, with what comes from outside. Pages are opened once the engine is
    /// `ready`.
    pub(crate) fn run(&self, ready: Ready, first: Option<&str>, mut news: Newsstand) {
        let inside = Rc::clone(&self.0);
        let first = first.map(|url| News::Order(Order::Open { url: url.to_owned() }));
        inside.view.load_uri(FIRST);
        glib::MainContext::default().spawn_local(async move {
            // Where the engine never gets there, what is opened fails, and the page that says so is ours.
            let _ = glib::future_with_timeout(READY_WAIT, ready).await;
            inside.tell(&Telling::Ready);
            if let Some(first) = first {
                inside.take(first);
            }
            while let Some(news) = news.recv().await {
                inside.take(news);
            }
        });
        gtk::main();
        let untold = self.0.outbox.borrow().untold();
        if 0 < untold {
            complain(&format!("{untold} denials were not told"));
        }
        if let Some(teller) = self.0.teller.take() {
            teller.end(&Telling::Closed);
        }
    }
}

impl Inside {
    fn take(self: &Rc<Self>, news: News) {
        match news {
            News::Order(Order::Open { url }) => match place::of_the_web(&url) {
                Some(url) => self.go(&url),
                // Told each time: the host waits for what comes of its order.
                None => self.tell(&Telling::denied(&url, ONLY_WEB)),
            },
            News::Order(Order::Focus) => self.window.present(),
            News::Order(Order::Close) | News::HostGone => self.window.close(),
            News::Refused(Refused { scheme, host, port, why }) => {
                if why.by_rule() {
                    let host = if host.contains(':') { format!("[{host}]") } else { host };
                    self.tell_denied(&format!("{scheme}://{host}:{port}/"), &why.to_string());
                }
            }
        }
    }

    fn go(&self, url: &Url) {
        if self.ours.get() == Ours::Coming {
            self.next.replace(Some(url.clone()));
            return;
        }
        self.want(url);
        self.view.load_uri(url.as_str());
    }

    fn reload(&self) {
        let page = self.page.borrow().clone();
        let wanted = self.wanted.borrow().clone();
        match (page, wanted) {
            (Some(url), _) => {
                self.want(&url);
                self.view.reload();
            }
            (None, Some(url)) => self.go(&url),
            (None, None) => {}
        }
    }

    fn want(&self, url: &Url) {
        self.wanted.replace(Some(url.clone()));
        self.pending.set(true);
        self.ours.set(Ours::No);
        self.end_if_stuck();
    }

    /// Ends a page that answers nothing any more when something else is asked for.
    fn end_if_stuck(&self) {
        if self.pending.get() && !self.view.is_web_process_responsive() {
            self.view.terminate_web_process();
        }
    }

    /// Whether a failure is of a page that nobody wants any more.
    fn is_outdated(&self, address: &str) -> bool {
        self.pending.get() && *self.wanted.borrow() != place::of_the_web(address)
    }

    /// Tells the host of a page that the operator chose.
    fn use_page(&self) {
        let told = self.page.borrow().as_ref().and_then(place::told);
        if let Some(url) = told {
            self.tell(&Telling::Use { url, title: self.title() });
        }
    }

    fn title(&self) -> String {
        clean(self.view.title().as_deref().unwrap_or_default(), TITLE_BYTES_MAX)
    }

    /// A page is there, or its address changed without another page.
    fn arrived(self: &Rc<Self>) {
        self.bar.can_go(self.view.can_go_back(), self.view.can_go_forward());
        let address = self.view.uri().map(String::from).unwrap_or_default();
        let url = place::of_the_web(&address);
        if let Some(url) = &url {
            self.show(url);
        }
        let page = url.filter(|_| self.ours.get() == Ours::No);
        self.bar.can_use(match &page {
            None => Err("There is no page to use"),
            Some(url) if place::told(url).is_none() => {
                Err("This page's address is too long to be used")
            }
            Some(_) => Ok(()),
        });
        self.page.replace(page);
        self.tell_at();
    }

    fn show(&self, url: &Url) {
        let Shown { host, .. } = self.bar.show(url);
        self.window.set_title(&format!("Preview — {host}"));
    }

    /// Shows a page of ours in place of the one that was wanted.
    fn fail(&self, heading: &str, words: &str, address: &str) {
        self.pending.set(false);
        self.ours.set(Ours::Coming);
        self.page.replace(None);
        self.bar.can_use(Err("There is no page to use"));
        self.outbox.borrow_mut().clear();
        let url = place::of_the_web(address);
        if let Some(url) = &url {
            self.show(url);
        }
        self.wanted.replace(url);
        self.view.load_alternate_html(&pages::failure(heading, words, address), address, None);
    }

    fn tell(&self, telling: &Telling) {
        if let Some(teller) = &*self.teller.borrow() {
            teller.tell(telling);
        }
    }

    fn tell_denied(&self, address: &str, why: &str) {
        let denied = Telling::denied(address, why);
        if self.outbox.borrow_mut().denied(Instant::now(), &denied) {
            self.tell(&denied);
        }
    }

    /// Tells where the page is, now or in a moment.
    fn tell_at(self: &Rc<Self>) {
        let at = self.page.borrow().as_ref().map(|url| Telling::At {
            url: place::told(url).unwrap_or_else(|| place::origin(url)),
            title: self.title(),
        });
        if let Some(at) = at {
            let due = self.outbox.borrow_mut().at(Instant::now(), at);
            self.tell_due(due);
        }
    }

    fn tell_due(self: &Rc<Self>, (due, next): (Option<Telling>, Option<Instant>)) {
        if let Some(telling) = due {
            self.tell(&telling);
        }
        let Some(next) = next.filter(|_| !self.planned.replace(true)) else { return };
        // Timers go by whole milliseconds: one more, so that it is due when it is looked at.
        let wait = next.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let inside = Rc::clone(self);
        glib::timeout_add_local_once(wait, move || {
            inside.planned.set(false);
            let due = inside.outbox.borrow_mut().due(Instant::now());
            inside.tell_due(due);
        });
    }
}

impl Owner for Inside {
    fn denied(&self, address: &str, why: &'static str) {
        self.tell_denied(address, why);
    }
}

fn attach_view(inside: &Rc<Inside>) {
    let owner = Rc::clone(inside);
    inside.view.connect_load_changed(move |_, event| match event {
        LoadEvent::Started => owner.outbox.borrow_mut().arrived(),
        LoadEvent::Redirected if owner.pending.get() => {
            let address = owner.view.uri().map(String::from).unwrap_or_default();
            owner.wanted.replace(place::of_the_web(&address));
        }
        LoadEvent::Committed => {
            // The page that comes after one of ours was announced is that one.
            let coming = owner.ours.get() == Ours::Coming;
            owner.pending.set(false);
            owner.ours.set(if coming { Ours::Shown } else { Ours::No });
            owner.arrived();
            let next = if coming { owner.next.take() } else { None };
            if let Some(next) = next {
                owner.go(&next);
            }
        }
        _ => {}
    });
    let owner = Rc::clone(inside);
    inside.view.connect_is_web_process_responsive_notify(move |_| owner.end_if_stuck());
    let owner = Rc::clone(inside);
    inside.view.connect_title_notify(move |_| owner.tell_at());
    let owner = Rc::clone(inside);
    inside.view.connect_uri_notify(move |view| {
        // While a page loads, the address is one that was asked for and not one that is shown.
        if !view.is_loading() {
            owner.arrived();
        }
    });
    attach_failures(inside);
}

fn attach_failures(inside: &Rc<Inside>) {
    let owner = Rc::clone(inside);
    inside.view.connect_load_failed(move |_, _, address, error| {
        let cancelled = error.matches(NetworkError::Cancelled)
            || error.matches(PolicyError::FrameLoadInterruptedByPolicyChange);
        if !cancelled && !owner.is_outdated(address) {
            let url = place::of_the_web(address);
            let refused = url.and_then(|url| owner.refusals.take(&url));
            let why = refused.as_deref().unwrap_or(error.message());
            owner.fail("This page could not be opened", why, address);
        }
        true
    });
    let owner = Rc::clone(inside);
    inside.view.connect_load_failed_with_tls_errors(move |_, address, _, faults| {
        let why = format!("Its certificate does not prove who sent it ({faults:?}).");
        owner.fail("This page is not who it says it is", &why, address);
        true
    });
    let owner = Rc::clone(inside);
    inside.view.connect_web_process_terminated(move |view, _| {
        owner.tell(&Telling::Crashed);
        let address = view.uri().map(String::from).unwrap_or_default();
        // It may have been ended because something else was asked for.
        if owner.pending.take() {
            owner.next.replace(owner.wanted.take());
        }
        owner.fail("This page has crashed", "nothing else was harmed by it", &address);
    });
}

fn attach_bar(inside: &Rc<Inside>) {
    let view = inside.view.clone();
    inside.bar.back.connect_clicked(move |_| view.go_back());
    let view = inside.view.clone();
    inside.bar.forward.connect_clicked(move |_| view.go_forward());
    let owner = Rc::clone(inside);
    inside.bar.reload.connect_clicked(move |_| owner.reload());
    let owner = Rc::clone(inside);
    inside.bar.use_page.connect_clicked(move |_| owner.use_page());
    let owner = Rc::clone(inside);
    inside.window.connect_key_press_event(move |_, key| {
        // The page gets every other key first. This one leads to the bar whatever the page does.
        if key.keyval() == gdk::keys::constants::F6 {
            owner.bar.reload.grab_focus();
            return Propagation::Stop;
        }
        Propagation::Proceed
    });
    inside.window.connect_delete_event(|_, _| {
        gtk::main_quit();
        Propagation::Stop
    });
}
