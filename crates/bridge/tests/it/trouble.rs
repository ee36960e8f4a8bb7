//! A service that is away, hangs, breaks off or comes back: whatever it does, a person is told what
//! happened and what to do.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get as route;
use oriel_bridge::Limits;
use oriel_link::Link;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::house::{House, get, post};

#[tokio::test]
async fn a_service_that_is_away_is_told_with_a_way_to_try_again() {
    let house = House::new(Link::Tcp(nobody().await));
    let page = house.visit("/costs?by=day&x=%22").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.text.contains("The console does not answer"), "{}", page.text);
    assert!(page.text.contains("href=\"/costs?by=day&amp;x=%22\">Try again"), "{}", page.text);
    let trace = house.host.traces().remove(0);
    assert!(
        trace.starts_with("desktop/app-protocol-proxy-error Some(\"/costs\") Some(502)"),
        "{trace}"
    );
    assert!(!trace.contains("by=day"), "{trace}");

    house.host.stop();
    let page = house.visit("/").await;
    assert!(page.text.contains("The console is not running"), "{}", page.text);
}

#[tokio::test]
async fn htmx_shows_it_in_the_page_and_news_do_not() {
    let house = House::new(Link::Tcp(nobody().await));
    let part = house.htmx("/costs", &[("hx-boosted", "true")]).await;
    assert_eq!(part.status, StatusCode::BAD_GATEWAY);
    assert_eq!(part.header("hx-retarget"), Some("#main"));
    assert_eq!(part.header("hx-reswap"), Some("innerHTML"));
    assert_eq!(part.header("hx-push-url"), None);
    assert!(!part.text.contains("<html"), "{}", part.text);
    let news = house.htmx("/live/frame", &[]).await;
    assert_eq!((news.header("hx-retarget"), news.header("hx-reswap")), (None, Some("none")));
    let change = house.send(post("/costs", &[("hx-request", "true")], "a=b")).await;
    assert_eq!(change.header("hx-push-url"), Some("false"));
    assert!(!change.text.contains("Try again"), "what was sent is not sent again by a link");
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_and_news_are_waited_for_longer() {
    let limits = Limits {
        header_within: Duration::from_millis(50),
        live_header_within: Duration::from_secs(60),
        ..Limits::default()
    };
    let (release, released) = tokio::sync::watch::channel(false);
    let wait = move || {
        let mut released = released.clone();
        async move { _ = released.wait_for(|it| *it).await }
    };
    let router = Router::new().route("/slow", route(wait.clone())).route("/live/now", route(wait));
    let house = House::with(Link::InProcess(router), limits);
    let news = house.htmx("/live/now", &[]);
    let slow = async {
        let page = house.visit("/slow").await;
        release.send_replace(true);
        page
    };
    let (news, page) = tokio::join!(news, slow);
    assert_eq!(page.status, StatusCode::GATEWAY_TIMEOUT);
    assert!(page.text.contains("did not answer within"), "{}", page.text);
    assert_eq!(news.status, StatusCode::OK);
}

#[tokio::test]
async fn a_service_that_takes_no_connection_is_given_up() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let addr = listener.local_addr().unwrap();
    // Whoever comes after these waits for a place.
    let mut waiting = Vec::new();
    while let Ok(connected) =
        tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(addr)).await
    {
        waiting.push(connected.unwrap());
    }
    let limits = Limits { connect_within: Duration::from_millis(50), ..Limits::default() };
    let page = House::with(Link::Tcp(addr), limits).visit("/").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.text.contains("could not be reached"), "{}", page.text);
}

#[tokio::test]
async fn a_service_that_breaks_off_gives_no_half_page() {
    for sent in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-ty",
        "no HTTP at all\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 100\r\n\r\n<p>half",
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n5\r\n<p>ha\r\n",
    ] {
        let house = House::new(Link::Tcp(breaking_off(sent).await));
        let page = house.visit("/").await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{sent:?}");
        assert!(!page.text.contains("half"), "{sent:?}");
    }
    let sent = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    let house = House::new(Link::Tcp(breaking_off(sent).await));
    let answer = house.send(get("/", &[])).await;
    assert!(!answer.is_whole);
    assert_eq!(house.host.traces().len(), 1);
}

#[tokio::test]
async fn a_service_that_comes_back_is_found_again() {
    let house = House::new(Link::Tcp(nobody().await));
    assert_eq!(house.visit("/").await.status, StatusCode::BAD_GATEWAY);
    let router = Router::new().route("/", route(|| async { "back" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    house.host.serve(Link::Tcp(listener.local_addr().unwrap()), 2);
    tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
    assert_eq!(house.visit("/").await.text, "back");
}

/// An address where nobody listens.
async fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Listens once, reads the request's beginning, sends this and goes.
async fn breaking_off(sent: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        _ = stream.read(&mut [0; 4096]).await;
        _ = stream.write_all(sent.as_bytes()).await;
    });
    addr
}
