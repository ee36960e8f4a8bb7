//! The operator: has the bar whatever the page does, and alone hands a page over.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::preview::Preview;
use crate::web::{Site, answer, page};

#[test]
fn the_button_hands_over_the_page_that_is_shown_once_for_each_press() {
    let site = Site::start(|_| page("One \u{202e}two\u{202c} ‹three›", "<a href=/x>x</a>"));
    let mut preview = Preview::start(&[("page.example:80", site.address)]);
    preview.open_and_see("http://page.example/a?b#c", "One two ‹three›");
    preview.display.window("Preview — page.example");
    preview.press_use();
    let used = preview.wait_for("the use", |told| told["is"] == "use");
    assert_eq!(used["url"], "http://page.example/a?b#c");
    assert_eq!(used["title"], "One two ‹three›");
    preview.write(b"{\"do\":\"close\"}\n");
    assert!(preview.end());
    preview.rest();
    let uses = preview.told.iter().filter(|told| told["is"] == "use").count();
    assert_eq!(uses, 1, "{:#?}", preview.told);
}

#[test]
fn no_dialog_prompt_or_trick_keeps_the_operator_from_the_bar() {
    let tricks = "<script>
        alert('x'); confirm('x'); prompt('x'); print();
        const said = [confirm('x'), prompt('x')];
        window.onbeforeunload = event => { event.preventDefault(); return 'stay'; };
        onclick = () => { document.body.requestFullscreen(); document.body.requestPointerLock(); };
        window.close(); window.stop(); window.moveTo(5000, 5000); window.resizeTo(10, 10);
        document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'file' }));
        document.getElementById('file').click();
        fetch('/login').finally(() => {
            fetch('/report', { method: 'POST', body: JSON.stringify(said) });
        });
        document.title = 'Tricks';
    </script>";
    let site = Site::start(move |path| match path {
        "/login" => answer("401 Who", "www-authenticate: Basic realm=x\r\n", ""),
        _ => page("", tricks),
    });
    let mut preview = Preview::start(&[("tricks.example:80", site.address)]);
    preview.open_and_see("http://tricks.example/", "Tricks");
    assert_eq!(site.report().to_string(), "[false,null]");
    preview.press_use();
    let used = preview.wait_for("the use", |told| told["is"] == "use");
    assert_eq!(used["title"], "Tricks");
    preview.open_and_see("http://tricks.example/elsewhere", "Tricks");
}

#[test]
fn a_page_that_never_ends_its_script_is_left_by_going_elsewhere() {
    let site = Site::start(|path| match path {
        "/stuck" => page("Stuck", "<script>setTimeout(() => { while (true); }, 100)</script>"),
        _ => page("Other", ""),
    });
    let mut preview =
        Preview::start(&[("stuck.example:80", site.address), ("other.example:80", site.address)]);
    preview.open_and_see("http://stuck.example/stuck", "Stuck");
    preview.press_use();
    preview.wait_for("the use", |told| told["is"] == "use");
    preview.open_and_see("http://other.example/", "Other");
}

#[test]
fn a_server_that_cannot_prove_who_it_is_is_not_shown_and_cannot_be_let_in() {
    let site = Site::start(|_| page("Other", ""));
    let impostor = Impostor::start();
    let mut preview = Preview::start(&[
        ("bank.example:443", impostor.address),
        ("other.example:80", site.address),
    ]);
    preview.open("https://bank.example/");
    preview.display.window("Preview — bank.example");
    preview.press_use();
    preview.open_and_see("http://other.example/", "Other");
    let told =
        |told: &serde_json::Value| told["url"].as_str().is_some_and(|url| url.contains("bank"));
    assert!(!preview.told.iter().any(told), "{:#?}", preview.told);
}

/// A server with a certificate that it signed itself.
struct Impostor {
    child: Child,
    address: SocketAddr,
    _files: TempDir,
}

impl Impostor {
    fn start() -> Self {
        let files = tempfile::tempdir().expect("a folder can be made");
        let openssl = |arguments: &str| {
            let mut openssl = Command::new("openssl");
            openssl.args(arguments.split(' ')).current_dir(files.path()).stderr(Stdio::null());
            openssl
        };
        let made = "req -x509 -newkey rsa:2048 -nodes -subj /CN=bank.example -keyout key -out cert";
        assert!(openssl(made).status().expect("openssl can be started").success());
        let mut serve = openssl("s_server -accept 127.0.0.1:0 -key key -cert cert -www");
        let child = serve.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("openssl can be started");
        let told = BufReader::new(child.stdout.take().expect("its output is ours")).lines();
        let address = told
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ")?.trim().parse().ok())
            .expect("it tells its address");
        Self { child, address, _files: files }
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
