//! The engine: WebKitGTK with everything off that a page to look at does not need.
//!
//! WebKitGTK is used by itself. A layer between would decide some of this after the page is there, answer
//! a page's `window.close()` by taking the page's widget away, and bring ways to native code along.

use std::process::{Command, Stdio};

use gtk::prelude::*;
use webkit2gtk::{
    ApplicationInfo, AutomationSessionExt, AutoplayPolicy, CacheModel, NetworkProxyMode,
    NetworkProxySettings, Settings, SettingsExt, TLSErrorsPolicy, UserContentManager, WebContext,
    WebContextExt, WebView, WebsiteDataManagerExt, WebsitePolicies,
};

use crate::program::complain;

/// Makes the view that shows pages. Everything it loads goes through the proxy; there is none where the
/// engine takes no proxy.
pub(crate) fn start(proxy: &str, automation: bool) -> Option<WebView> {
    let context = context(proxy)?;
    context.set_automation_allowed(automation);
    let policies = WebsitePolicies::builder().autoplay(AutoplayPolicy::Deny).build();
    let view = WebView::builder()
        .web_context(&context)
        .settings(&settings())
        .user_content_manager(&UserContentManager::new())
        .website_policies(&policies)
        .is_controlled_by_automation(automation)
        .build();
    if automation {
        steer(&context, &view);
    }
    Some(view)
}

/// What is shared by all that is loaded: nothing on disk, the proxy, and no mercy for bad certificates.
fn context(proxy: &str) -> Option<WebContext> {
    let context = WebContext::new_ephemeral();
    let data = context.website_data_manager()?;
    // An empty list of exceptions: loopback goes through the proxy as well, which refuses it.
    let mut settings = NetworkProxySettings::new(Some(proxy), &[]);
    data.set_network_proxy_settings(NetworkProxyMode::Custom, Some(&mut settings));
    data.set_tls_errors_policy(TLSErrorsPolicy::Fail);
    data.set_persistent_credential_storage_enabled(false);
    data.set_itp_enabled(true);
    context.set_cache_model(CacheModel::DocumentViewer);
    context.set_spell_checking_enabled(false);
    if can_sandbox() {
        context.set_sandbox_enabled(true);
    } else {
        complain("the system lets programs make no sandbox; the engine runs without one");
    }
    Some(context)
}

/// Whether the engine's own sandbox can be made here. The engine ends the program where it cannot, so it
/// is tried first; containers and some systems forbid it.
fn can_sandbox() -> bool {
    let mut bubble = Command::new("/usr/bin/bwrap");
    bubble.args(["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc"]);
    bubble.arg("/bin/true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    bubble.status().is_ok_and(|status| status.success())
}

fn settings() -> Settings {
    let settings = Settings::new();
    // No other way out than the proxy: media and WebRTC open connections of their own.
    settings.set_enable_media(false);
    settings.set_enable_mediasource(false);
    settings.set_enable_media_stream(false);
    settings.set_enable_webrtc(false);
    settings.set_enable_encrypted_media(false);
    settings.set_media_playback_requires_user_gesture(true);
    // No way to the machine.
    settings.set_allow_file_access_from_file_urls(false);
    settings.set_allow_universal_access_from_file_urls(false);
    settings.set_allow_top_navigation_to_data_urls(false);
    settings.set_javascript_can_access_clipboard(false);
    settings.set_enable_developer_extras(false);
    settings.set_enable_write_console_messages_to_stdout(false);
    // The bar is always there.
    settings.set_enable_fullscreen(false);
    settings.set_allow_modal_dialogs(false);
    // Every wish for a window comes to us, and is denied and told, instead of some being lost before.
    settings.set_javascript_can_open_windows_automatically(true);
    // Nothing is kept, not even pages one went away from.
    settings.set_enable_page_cache(false);
    settings.set_enable_back_forward_navigation_gestures(false);
    settings
}

/// Lets a WebDriver have the one view there is.
fn steer(context: &WebContext, view: &WebView) {
    let view = view.clone();
    context.connect_automation_started(move |_, session| {
        let about = ApplicationInfo::new();
        about.set_name(env!("CARGO_PKG_NAME"));
        session.set_application_info(&about);
        let view = view.clone();
        session.connect_create_web_view(None, move |_| view.clone());
    });
}

/// Lets a view fill what is left of a window.
pub(crate) fn fill(view: &WebView) {
    view.set_hexpand(true);
    view.set_vexpand(true);
}
