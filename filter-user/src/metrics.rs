pub async fn serve(
    _l: tokio::net::TcpListener,
    _p: std::path::PathBuf,
    _r: tokio::sync::watch::Receiver<crate::agent::report::Report>,
    _m: crate::config::Metrics,
) {
}
