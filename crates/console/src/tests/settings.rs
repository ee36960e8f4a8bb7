//! Settings are shown with who said so, changed with what is wrong said beside them, and nothing that an
//! operator gives up is given up by one careless click.

use super::*;

#[tokio::test]
async fn settings_stand_in_groups_with_their_values_and_who_said_so() {
    let house = House::new().await;
    let page = house.get("/settings").await;
    assert_eq!(page.status, StatusCode::OK, "{}", words(&page.text));
    for place in ["id=\"budget\"", "id=\"notify\"", "id=\"hooks\"", "id=\"set-budget.daily_usd\""] {
        assert!(page.text.contains(place), "links lead to {place}");
    }
    let auto = setting(&page.text, "import.auto");
    assert!(auto.contains("Overridden by flag --set"), "{auto}");
    let quiet = setting(&page.text, "session.quiet_minutes");
    assert!(quiet.contains("5 default") && quiet.contains("10,080") || quiet.contains("10080"));
    assert!(setting(&page.text, "data_dir").contains("No file may set it"));
}

#[tokio::test]
async fn a_control_fits_what_a_setting_may_be() {
    let house = House::new().await;
    let html = house.get("/settings").await.text;
    for (key, control) in [
        ("listen.port", "type=\"number\" step=\"1\" min=\"0\" max=\"65535\" value=\"3142\""),
        ("budget.warn_percent", "type=\"number\" step=\"any\" min=\"0\" max=\"100\" value=\"80\""),
        ("access", "<option value=\"loopback\" selected>"),
        ("archive.enabled", "<option value=\"false\" selected>no"),
        ("notify.quiet_from", "type=\"time\""),
        ("privacy.patterns", "<textarea"),
        ("listen.hosts", "<textarea"),
    ] {
        assert!(raw(&html, key).contains(control), "{key}: {}", raw(&html, key));
    }
}

#[tokio::test]
async fn a_change_is_written_waits_for_a_restart_and_is_taken_back() {
    let house = House::new().await;
    assert!(!house.get("/settings").await.text.contains("Restart the daemon"));
    let saved = house.change("budget.daily_usd", "save", "25").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", words(&saved.text));
    assert!(saved.headers["location"].to_str().unwrap().ends_with("#set-budget.daily_usd"));
    let page = house.get("/settings").await.text;
    assert!(words(&page).contains("It is 25 after a restart"), "{}", words(&page));
    let shown = setting(&page, "budget.daily_usd");
    assert!(shown.contains("0 default after a restart: 25"), "{shown}");
    assert!(page.contains("action=\"/restart\"") && words(&page).contains("1 change waits"));
    let only = house.get("/settings?only=pending").await.text;
    assert!(only.contains("set-budget.daily_usd") && !only.contains("set-budget.weekly_usd"));

    let reset = house.change("budget.daily_usd", "reset", "25").await;
    assert_eq!(reset.status, StatusCode::SEE_OTHER, "{}", words(&reset.text));
    let page = house.get("/settings").await.text;
    assert!(!words(&page).contains("change waits"), "{}", words(&page));
    assert!(!raw(&page, "budget.daily_usd").contains("value=\"reset\""));
}

#[tokio::test]
async fn what_cannot_be_is_said_beside_its_field_and_what_was_typed_stays() {
    let house = House::new().await;
    for (key, typed) in [
        ("listen.port", "70000"),
        ("session.quiet_minutes", "<script>alert(1)</script>"),
        ("log.level", "loud\u{202e}"),
        ("privacy.patterns", "fine\r\n(broken"),
        ("notify.quiet_from", "25:99"),
    ] {
        let answer = house.change(key, "save", typed).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{key}");
        let shown = raw(&answer.text, key);
        assert!(shown.contains("field-error") && shown.contains("aria-invalid"), "{shown}");
        assert!(!answer.text.contains("<script>") && !answer.text.contains('\u{202e}'), "{key}");
        let kept = typed.chars().take(4).collect::<String>().replace('<', "&lt;");
        assert!(shown.contains(&kept), "{key}: {shown}");
    }
    assert!(
        !words(&house.get("/settings").await.text).contains("change waits"),
        "nothing was written"
    );
}

#[tokio::test]
async fn lists_are_edited_one_a_line_and_come_back_so() {
    let house = House::new().await;
    let saved =
        house.change("listen.hosts", "save", "one.example\r\n\r\ntwo.example, three.example\r\n");
    assert_eq!(saved.await.status, StatusCode::SEE_OTHER);
    let saved = house.change("privacy.patterns", "save", "sk-[a-z]+,x\r\nsecret \r\n").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", words(&saved.text));
    let page = house.get("/settings").await.text;
    assert!(raw(&page, "listen.hosts").contains(">\none.example\ntwo.example\nthree.example<"));
    assert!(
        raw(&page, "privacy.patterns").contains(">\nsk-[a-z]+,x\nsecret <"),
        "a comma is its own"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_and_a_flag_is_not_changed_from_here() {
    let house = House::new().await;
    let saved = house.change("import.auto", "save", "true").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let says = words(&house.get("/settings").await.text);
    assert!(says.contains("no effect while flag --set says otherwise"), "{says}");

    let file = house.data_dir().join("config.toml");
    std::fs::write(&file, "budget = \"<b>much</b>\"\n").unwrap();
    let page = house.get("/settings").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(words(&page.text).contains("cannot be used at the next start"), "{}", page.text);
    assert!(!page.text.contains("<b>much"));
    let answer = house.change("budget.daily_usd", "save", "3").await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    assert!(raw(&answer.text, "budget.daily_usd").contains("value=\"3\""), "it is kept");
}

#[tokio::test]
async fn a_filter_finds_by_key_and_by_help_and_answers_htmx_with_the_list_alone() {
    let house = House::new().await;
    let part = house.part("/settings?q=regular+EXPRESSIONS", "results").await.text;
    assert!(part.contains("set-privacy.patterns") && !part.contains("set-listen.port"), "{part}");
    assert!(!part.contains("<nav id=\"nav\"") && !part.contains("<h1>"));
    let none = house.get("/settings?q=%3Cimg+src%3Dx%3E").await.text;
    assert!(words(&none).contains("No setting is like that") && !none.contains("<img"));
}

#[tokio::test]
async fn a_form_that_names_nothing_does_nothing() {
    let house = House::new().await;
    for (path, fields, status) in [
        ("/settings", vec![], StatusCode::BAD_REQUEST),
        ("/settings", vec![("key", "access"), ("action", "fly")], StatusCode::BAD_REQUEST),
        ("/settings", vec![("key", "no.such"), ("action", "save")], StatusCode::NOT_FOUND),
        ("/settings/hooks", vec![("action", "install")], StatusCode::BAD_REQUEST),
        ("/settings/hooks", vec![("agent", "codex")], StatusCode::BAD_REQUEST),
        ("/settings/access", vec![("action", "fly")], StatusCode::BAD_REQUEST),
        ("/settings/access", vec![("action", "end")], StatusCode::BAD_REQUEST),
    ] {
        let answer = house.post(path, &fields).await;
        assert_eq!(answer.status, status, "{path} {fields:?}: {}", words(&answer.text));
    }
}

#[tokio::test]
async fn a_visitor_without_a_session_sees_settings_and_no_way_to_change_them() {
    let house = House::new().await;
    for path in ["/settings", "/settings/hooks", "/settings/access"] {
        let request = house.request("GET", path).body(Body::empty()).unwrap();
        let page = house.send(request).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text.contains("method=\"post\""), "{path}");
        assert!(page.text.contains("oriel open"), "{path} says how");
    }
    let request = house.request("GET", "/settings/access?sure=end-others").body(Body::empty());
    let page = house.send(request.unwrap()).await;
    assert!(!page.text.contains("a test"), "nor who else has a session");
}

#[tokio::test]
async fn hooks_are_shown_as_a_difference_installed_and_taken_out_again() {
    let house = House::prepared(|data_dir| {
        let folder = data_dir.with_file_name("home").join(".claude");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("settings.json"), "{\"model\": \"<i>opus</i>\"}").unwrap();
    })
    .await;
    let file = house.data_dir().with_file_name("home").join(".claude/settings.json");
    let page = house.get("/settings/hooks").await.text;
    let says = words(&page);
    assert!(says.contains("found on this machine") && says.contains("no hooks"), "{says}");
    assert!(says.contains("By hand: Let Codex run the hooks") && says.contains("OTEL_EXPORTER"));
    assert!(page.contains("<ins>") && !page.contains("<i>opus"), "{page}");

    let done = house.hooks("claude_code", "install").await;
    assert!(done.contains("are installed") && done.contains("is kept in"), "{done}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("PreToolUse"));
    let done = house.hooks("claude_code", "uninstall").await;
    assert!(done.contains("are uninstalled"), "{done}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"model\": \"<i>opus</i>\"}");

    let refused = house.hooks("codex", "install").await;
    assert!(refused.contains("by hand"), "it is said in words: {refused}");
    let refused = house.hooks("../<b>", "install").await;
    assert!(!refused.contains("are installed"), "{refused}");
}

#[tokio::test]
async fn a_test_event_is_sent_with_its_number_and_how_long_it_took() {
    let house = House::new().await;
    let says = house.hooks("codex", "test").await;
    assert!(says.contains("The test event is on disk: number 1,") && says.contains("ms"), "{says}");
}

#[tokio::test]
async fn sources_say_who_told_last_and_how_to_get_going_where_nobody_did() {
    let house = House::new().await;
    let says = words(&house.get("/settings/sources").await.text);
    assert!(
        says.contains("Nobody told of anything yet") && says.contains("Install hooks"),
        "{says}"
    );
    house
        .event(serde_json::json!({
            "session_id": "s1", "agent_type": "<script>x</script>", "event_type": "tool_use",
        }))
        .await;
    let page = house.get("/settings/sources").await;
    assert!(page.text.contains("&lt;script&gt;") && !page.text.contains("<script>x"));
    assert!(page.text.contains("href=\"/imports\""));
}

#[tokio::test]
async fn the_token_is_rotated_only_when_that_was_asked_for_twice() {
    let house = House::new().await;
    let before = house.runtime.authtok();
    let page = house.get("/settings/access").await;
    assert!(page.text.contains("authtok") && !page.text.contains(&before), "its place and not it");
    let once = house.post("/settings/access", &[("action", "rotate")]).await;
    assert_eq!(once.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(words(&once.text).contains("Yes, make a new token"), "{}", words(&once.text));
    assert_eq!(house.runtime.authtok(), before);
    let twice = [("action", "rotate"), ("sure", "rotate")];
    assert_eq!(house.post("/settings/access", &twice).await.status, StatusCode::SEE_OTHER);
    assert_ne!(house.runtime.authtok(), before);
    let page = house.get("/settings/access").await;
    assert_eq!(page.status, StatusCode::OK, "the console found the new one");
    assert!(words(&page.text).contains("There is a new token in"), "{}", words(&page.text));
}

#[tokio::test]
async fn a_session_is_ended_from_another_one_and_the_audit_is_told() {
    let house = House::new().await;
    let (_, other) = house.console.grant("Mozilla/5.0 (X11; Linux) Firefox/140 <b>").unwrap();
    let label = house.console.session(&other).unwrap().label().to_owned();
    let page = house.get("/settings/access").await.text;
    assert!(words(&page).contains("Firefox on Linux") && words(&page).contains("this one"));
    assert!(!page.contains("140 <b>"));
    let ended = house.post("/settings/access", &[("action", "end"), ("session", &label)]).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", words(&ended.text));
    assert!(!ended.headers.contains_key("set-cookie"), "it was not this one");
    assert!(
        house.console.session(&other).is_none() && house.console.session(&house.cookie).is_some()
    );
    let audit = house.until("/settings/audit", |page| page.contains("done 303")).await;
    assert!(words(&audit).contains(&format!("Session {label} was ended.")), "{}", words(&audit));
    assert!(audit.contains("chip-ok\">done 303"), "it is no refusal: {audit}");
    house.post("/settings/access", &[("action", "end"), ("session", &label)]).await;
    let again = words(&house.get("/settings/access").await.text);
    assert!(again.contains("has ended already"), "{again}");
}

#[tokio::test]
async fn all_others_end_after_a_second_question_and_signing_out_forgets_the_cookie() {
    let house = House::new().await;
    let (_, one) = house.console.grant("one").unwrap();
    let (_, two) = house.console.grant("two").unwrap();
    let once = house.post("/settings/access", &[("action", "end-others")]).await;
    assert!(words(&once.text).contains("Yes, end all others"), "{}", words(&once.text));
    assert!(house.console.session(&one).is_some());
    let sure = [("action", "end-others"), ("sure", "end-others")];
    assert_eq!(house.post("/settings/access", &sure).await.status, StatusCode::SEE_OTHER);
    assert!(house.console.session(&one).is_none() && house.console.session(&two).is_none());
    assert!(
        words(&house.get("/settings/access").await.text).contains("2 other sessions were ended")
    );

    let own = house.session.label();
    let out = house.post("/settings/access", &[("action", "end"), ("session", own)]).await;
    let cookie = out.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("oriel_session=;") && cookie.contains("Max-Age=0"), "{cookie}");
    assert!(!house.get("/settings").await.text.contains("method=\"post\""), "it opens nothing");
}

#[tokio::test]
async fn granted_folders_are_shown_and_one_is_taken_back() {
    let house = House::new().await;
    let says = words(&house.get("/settings/folders").await.text);
    assert!(says.contains("Folders that pages may use"), "{says}");
    assert!(says.contains("No page may use a folder") && says.contains("oriel files grant"));

    let folder = house.folder.path().join("<i>work");
    std::fs::create_dir(&folder).unwrap();
    let grants = oriel_hostfs::Grants::of_data_dir(&house.data_dir()).unwrap();
    let access = oriel_wire::hostfs::WorkspaceAccess::ReadWrite;
    let granted = grants.add("workbench", &folder, access, std::time::UNIX_EPOCH).unwrap();
    let page = house.get("/settings/folders").await.text;
    let says = unescaped(&words(&page));
    assert!(says.contains("workbench") && says.contains("read and write"), "{says}");
    assert!(page.contains("&lt;i&gt;work") && !page.contains("<i>work"), "{page}");
    assert!(!says.contains("cannot be used"), "{says}");
    let seen = house.request("GET", "/settings/folders").body(Body::empty()).unwrap();
    let seen = house.send(seen).await.text;
    assert!(!seen.contains("method=\"post\"") && seen.contains("oriel open"), "{seen}");

    std::fs::remove_dir(&folder).unwrap();
    let says = words(&house.get("/settings/folders").await.text);
    assert!(says.contains("cannot be used") && says.contains("not there any more"), "{says}");
    for fields in [vec![("action", "revoke")], vec![("grant", "x"), ("action", "fly")]] {
        let answer = house.post("/settings/folders", &fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fields:?}");
    }
    let revoke = [("action", "revoke"), ("grant", granted.id.0.as_str())];
    assert_eq!(house.post("/settings/folders", &revoke).await.status, StatusCode::SEE_OTHER);
    assert_eq!(grants.all().unwrap(), []);
    let says = words(&house.get("/settings/folders").await.text);
    assert!(says.contains("may not use") && says.contains("No page may use a folder"), "{says}");
    house.post("/settings/folders", &revoke).await;
    let again = words(&house.get("/settings/folders").await.text);
    assert!(again.contains("no folder is granted under that name"), "{again}");
    let audit =
        house.until("/settings/audit", |page| unescaped(page).contains("grants/revoke")).await;
    assert!(words(&audit).contains("workbench may not use"), "{}", words(&audit));

    std::fs::write(house.data_dir().join("files/grants.json"), "<b>").unwrap();
    let page = house.get("/settings/folders").await.text;
    assert!(words(&page).contains("is damaged") && !page.contains("No page may use"), "{page}");
}

#[tokio::test]
async fn the_audit_is_read_page_by_page_the_newest_first() {
    let house = House::new().await;
    assert!(words(&house.get("/settings/audit").await.text).contains("Nothing was changed yet"));
    for cents in 1..=60 {
        let saved = house.change("budget.daily_usd", "save", &format!("0.{cents:02}")).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER);
    }
    let first = unescaped(&house.get("/settings/audit").await.text);
    assert_eq!(first.matches("POST /control/settings").count(), 50);
    assert!(first.contains(&format!("console:{}", house.session.label())), "it says who");
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let second = unescaped(&house.get(next).await.text);
    assert_eq!(second.matches("POST /control/settings").count(), 10);
    assert!(words(&second).contains("Newest") && !second.contains("rel=\"next\""));
    assert_eq!(house.get("/settings/audit?before=soon").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn about_says_what_this_is_and_that_nothing_leaves() {
    let house = House::new().await;
    let says = unescaped(&words(&house.get("/settings/about").await.text));
    assert!(
        says.contains(env!("CARGO_PKG_VERSION")) && says.contains("Nothing leaves this machine")
    );
    assert!(says.contains("docs/security.md"), "{says}");
}

/// Returns the HTML of one setting.
fn raw(html: &str, key: &str) -> String {
    let row = html.split(&format!("id=\"set-{key}\"")).nth(1).unwrap();
    row.split("id=\"set-").next().unwrap().to_owned()
}

/// Returns what the page says of one setting.
fn setting(html: &str, key: &str) -> String {
    words(&format!("<{}", raw(html, key)))
}

impl House {
    fn data_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    async fn change(&self, key: &str, action: &str, value: &str) -> Answer {
        self.post("/settings", &[("key", key), ("action", action), ("value", value)]).await
    }

    /// Does something with hooks and returns what the page says then.
    async fn hooks(&self, agent: &str, action: &str) -> String {
        let answer = self.post("/settings/hooks", &[("agent", agent), ("action", action)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", words(&answer.text));
        words(&self.get("/settings/hooks").await.text)
    }
}
