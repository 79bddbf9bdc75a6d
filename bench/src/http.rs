//! The smallest HTTP client that keeps its connection: it shall cost next to nothing beside the
//! server that it measures.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Answers here are payments and notices' "OK"; what is larger is not what was asked for.
const MAX_REPLY_BYTES: usize = 64 * 1024;

pub struct Client {
    stream: TcpStream,
    host: String,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> anyhow::Result<Client> {
        let stream = TcpStream::connect(address).await.context("connecting")?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, host: address.to_string() })
    }

    /// Status and body. `headers` are whole lines.
    pub async fn post(
        &mut self,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let (host, length) = (&self.host, body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n"
        );
        self.stream.write_all(&[head.as_bytes(), body].concat()).await?;
        self.read().await
    }

    async fn read(&mut self) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut bytes = Vec::new();
        loop {
            let read = self.stream.read_buf(&mut bytes).await?;
            ensure!(read > 0 && bytes.len() <= MAX_REPLY_BYTES, "the reply broke off");
            let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
            let Some(end) = end else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.context("no length")?.trim().parse()?;
            if bytes.len() >= end + 4 + length {
                return Ok((status.context("no status")?, bytes.split_off(end + 4)));
            }
        }
    }
}
