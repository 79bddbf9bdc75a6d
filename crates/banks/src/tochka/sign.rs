//! Compact JWS with RS256: how Tochka signs its notices, and how its emulator does.

/// Why a body is not a notice signed by the bank.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("{0}")]
    Malformed(String),
    #[error("the signature does not match any key of the bank")]
    BadSignature,
}

/// Checks the signature of a compact JWS against published keys (one JWK, an array, or `keys`)
/// and returns the payload's bytes.
pub fn verify(_body: &[u8], _keys: &str) -> Result<Vec<u8>, SignError> {
    Err(SignError::BadSignature)
}

/// An RSA key that signs notices: the emulator's own.
pub struct SigningKey(aws_lc_rs::rsa::KeyPair);

impl SigningKey {
    /// Takes a PKCS#8 DER document, or says why it is none.
    pub fn from_pkcs8(der: &[u8]) -> Result<SigningKey, String> {
        aws_lc_rs::rsa::KeyPair::from_pkcs8(der).map(SigningKey).map_err(|e| e.to_string())
    }

    /// The compact JWS of `payload`, header exactly `{"typ":"JWT","alg":"RS256"}`.
    pub fn sign(&self, _payload: &[u8]) -> Result<String, String> {
        let _ = &self.0;
        Err("not written yet".to_owned())
    }

    /// The public half as one JWK, as the bank publishes it.
    pub fn public_jwk(&self) -> String {
        String::new()
    }
}
