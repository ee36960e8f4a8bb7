//! The bar above the page: the only words in the window that are not the page's.

use gtk::pango::EllipsizeMode;
use gtk::prelude::*;
use gtk::{Align, Box as Row, Button, Label, Orientation};
use url::Url;

use crate::place::Shown;

const SPACE: i32 = 6;

/// The bar's parts.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    pub(crate) row: Row,
    pub(crate) back: Button,
    pub(crate) forward: Button,
    pub(crate) reload: Button,
    pub(crate) use_page: Button,
    warning: Label,
    address: Label,
}

impl Bar {
    /// A bar without a page.
    pub(crate) fn new() -> Self {
        let row = Row::new(Orientation::Horizontal, SPACE);
        row.set_border_width(6);
        let back = button("←", "Back");
        let forward = button("→", "Forward");
        let reload = button("↻", "Reload");
        let warning = Label::new(None);
        warning.set_markup("<b>Not secure</b>");
        warning.set_tooltip_text(Some(
            "This page came over http: anybody in between can have changed it",
        ));
        warning.set_no_show_all(true);
        let address = Label::new(None);
        address.set_selectable(true);
        address.set_ellipsize(EllipsizeMode::End);
        address.set_halign(Align::Fill);
        address.set_hexpand(true);
        address.set_xalign(0.0);
        let use_page = Button::with_label("Use this page");
        use_page.style_context().add_class("suggested-action");
        for button in [&back, &forward, &reload] {
            row.pack_start(button, false, false, 0);
        }
        row.pack_start(&warning, false, false, 0);
        row.pack_start(&address, true, true, 0);
        row.pack_start(&use_page, false, false, 0);
        let bar = Self { row, back, forward, reload, use_page, warning, address };
        bar.can_use(Err("There is no page yet"));
        bar
    }

    /// Shows who is asked for the page, and the rest of its address as far as there is room.
    pub(crate) fn show(&self, url: &Url) -> Shown {
        let shown = Shown::new(url);
        self.warning.set_visible(!shown.secure);
        // The host comes first and the end is what is left out, so the host is always there.
        self.address.set_text(&shown.address);
        self.address.set_tooltip_text(Some(&shown.address));
        shown
    }

    /// Lets the page be used, or says why it cannot be.
    pub(crate) fn can_use(&self, usable: Result<(), &str>) {
        self.use_page.set_sensitive(usable.is_ok());
        let hint = usable.err().unwrap_or("Hands this page's address and title to the console");
        self.use_page.set_tooltip_text(Some(hint));
    }

    /// Lets one go where there is somewhere to go.
    pub(crate) fn can_go(&self, back: bool, forward: bool) {
        self.back.set_sensitive(back);
        self.forward.set_sensitive(forward);
    }
}

fn button(sign: &str, name: &str) -> Button {
    let button = Button::with_label(sign);
    button.set_tooltip_text(Some(name));
    if let Some(accessible) = button.accessible() {
        accessible.set_name(name);
    }
    button
}
