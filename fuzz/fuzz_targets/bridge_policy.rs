//! Any text is judged as an address: a window stays on what is ours, and its plain form is judged alike.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_bridge::Surface;
use oriel_bridge::origin::AppOrigin;
use oriel_bridge::policy::{External, How, Rules, decide, plain};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let rules =
        Rules { origin: AppOrigin::Scheme, external: External::Preview, compat_origin: None };
    for surface in Surface::ALL {
        for how in [How::Navigation, How::NewWindow, How::Redirect, How::Download] {
            let verdict = decide(surface, &text, how, &rules);
            let Some(plain) = plain(&text) else {
                assert!(!verdict.is_allowed());
                continue;
            };
            assert_eq!(decide(surface, &plain, how, &rules), verdict, "{plain}");
            if surface.is_trusted() && verdict.is_allowed() {
                let ours = ["oriel://localhost", "blob:oriel://localhost/", "about:blank"];
                assert!(ours.iter().any(|ours| plain.starts_with(ours)), "{plain}");
            }
        }
    }
});
