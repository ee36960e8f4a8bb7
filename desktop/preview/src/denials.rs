//! What a page wants of the machine or of the person in front of it, and does not get.
//!
//! Every request of the engine that would open something (a window, a dialog, a chooser, a prompt) is
//! answered here at once with no, so no page can come between the operator and the bar.

use gtk::prelude::*;
use webkit2gtk::{
    AuthenticationRequestExt, ColorChooserRequestExt, ContextMenu, ContextMenuAction,
    ContextMenuExt, ContextMenuItemExt, DownloadExt, FileChooserRequestExt,
    NavigationPolicyDecision, NavigationPolicyDecisionExt, PermissionRequestExt, PolicyDecision,
    PolicyDecisionExt, PolicyDecisionType, ResponsePolicyDecision, ResponsePolicyDecisionExt,
    ScriptDialogType, URIRequestExt, URIResponseExt, WebContextExt, WebView, WebViewExt,
};

use crate::place::{ONLY_WEB, may_open};

const NO_WINDOW: &str = "new windows are not opened";
const NO_DOWNLOAD: &str = "nothing is downloaded";
const NO_PERMISSION: &str = "no permission is given";
const NO_DIALOG: &str = "no dialog is shown";
const NO_LOGIN: &str = "no name or password is asked for";
const NO_FILE: &str = "no file is chosen";
const NO_PRINT: &str = "nothing is printed";
const NO_FULLSCREEN: &str = "no page fills the screen";
const NO_NOTIFICATION: &str = "no notification is shown";

/// What is offered where the page is pressed with the other button. Nothing of it opens or keeps anything.
const MENU: [ContextMenuAction; 10] = [
    ContextMenuAction::GoBack,
    ContextMenuAction::GoForward,
    ContextMenuAction::Stop,
    ContextMenuAction::Reload,
    ContextMenuAction::Copy,
    ContextMenuAction::Cut,
    ContextMenuAction::Paste,
    ContextMenuAction::SelectAll,
    ContextMenuAction::CopyLinkToClipboard,
    ContextMenuAction::OpenLink,
];

/// What a view's owner wants to know.
pub(crate) trait Owner: 'static {
    /// Something was denied: to an address, and why.
    fn denied(&self, address: &str, why: &'static str);
}

/// Denies everything that a view's pages might want.
pub(crate) fn attach(view: &WebView, owner: &std::rc::Rc<impl Owner>) {
    deny_places(view, owner);
    deny_interruptions(view, owner);
    deny_powers(view, owner);
    view.connect_context_menu(|_, menu, _, _| {
        reduce(menu);
        menu.n_items() == 0
    });
}

/// Windows, other schemes and downloads.
fn deny_places(view: &WebView, owner: &std::rc::Rc<impl Owner>) {
    let told = owner.clone();
    view.connect_decide_policy(move |_, decision, kind| decide(&*told, decision, kind));
    let told = owner.clone();
    view.connect_create(move |view, _| {
        told.denied(&here(view), NO_WINDOW);
        None
    });
    let (told, page) = (owner.clone(), view.clone());
    if let Some(context) = view.context() {
        context.connect_download_started(move |_, download| {
            let address = download.request().and_then(|request| request.uri());
            told.denied(address.as_deref().unwrap_or(&here(&page)), NO_DOWNLOAD);
            download.cancel();
        });
    }
}

fn decide(owner: &impl Owner, decision: &PolicyDecision, kind: PolicyDecisionType) -> bool {
    let denied = match kind {
        PolicyDecisionType::NavigationAction => {
            let address = asked(decision);
            (!may_open(&address)).then_some((address, ONLY_WEB))
        }
        PolicyDecisionType::NewWindowAction => Some((asked(decision), NO_WINDOW)),
        PolicyDecisionType::Response => unshown(decision).map(|address| (address, NO_DOWNLOAD)),
        // A kind that this program does not know is none that it needs.
        _ => Some((String::new(), NO_WINDOW)),
    };
    match denied {
        Some((address, why)) => {
            decision.ignore();
            owner.denied(&address, why);
        }
        None => decision.use_(),
    }
    true
}

/// The address of an answer that cannot be shown, and so would be downloaded.
fn unshown(decision: &PolicyDecision) -> Option<String> {
    let decision = decision.downcast_ref::<ResponsePolicyDecision>()?;
    let address = || decision.response()?.uri().map(String::from);
    (!decision.is_mime_type_supported()).then(|| address().unwrap_or_default())
}

/// The address that a decision is about.
fn asked(decision: &PolicyDecision) -> String {
    decision
        .downcast_ref::<NavigationPolicyDecision>()
        .and_then(NavigationPolicyDecisionExt::navigation_action)
        .and_then(|action| action.request())
        .and_then(|request| request.uri())
        .map(String::from)
        .unwrap_or_default()
}

/// Dialogs, prompts and choosers: whatever would stand before the bar or wait for an answer.
fn deny_interruptions(view: &WebView, owner: &std::rc::Rc<impl Owner>) {
    let told = owner.clone();
    view.connect_script_dialog(move |view, dialog| {
        // Who asks whether one really wants to leave is always told yes; everyone else is told no.
        let leaving = dialog.dialog_type() == ScriptDialogType::BeforeUnloadConfirm;
        if leaving || dialog.dialog_type() == ScriptDialogType::Confirm {
            dialog.confirm_set_confirmed(leaving);
        }
        told.denied(&here(view), NO_DIALOG);
        true
    });
    let told = owner.clone();
    view.connect_authenticate(move |view, request| {
        request.cancel();
        told.denied(&here(view), NO_LOGIN);
        true
    });
    let told = owner.clone();
    view.connect_run_file_chooser(move |view, request| {
        request.cancel();
        told.denied(&here(view), NO_FILE);
        true
    });
    let told = owner.clone();
    view.connect_run_color_chooser(move |view, request| {
        request.cancel();
        told.denied(&here(view), NO_DIALOG);
        true
    });
    let told = owner.clone();
    view.connect_print(move |view, _| {
        told.denied(&here(view), NO_PRINT);
        true
    });
}

/// Permissions, the whole screen, notifications.
fn deny_powers(view: &WebView, owner: &std::rc::Rc<impl Owner>) {
    let told = owner.clone();
    view.connect_permission_request(move |view, request| {
        request.deny();
        told.denied(&here(view), NO_PERMISSION);
        true
    });
    let told = owner.clone();
    view.connect_enter_fullscreen(move |view| {
        told.denied(&here(view), NO_FULLSCREEN);
        true
    });
    let told = owner.clone();
    view.connect_show_notification(move |view, _| {
        told.denied(&here(view), NO_NOTIFICATION);
        true
    });
}

fn here(view: &WebView) -> String {
    view.uri().map(String::from).unwrap_or_default()
}

fn reduce(menu: &ContextMenu) {
    for item in menu.items() {
        if !MENU.contains(&item.stock_action()) {
            menu.remove(&item);
        }
    }
}
