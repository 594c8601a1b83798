//! Settings that say who calls from where.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{ConfigError, Given};

fn items(given: &Option<String>) -> Vec<&str> {
    let text = given.as_deref().unwrap_or_default();
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}

pub(super) fn cors_origins(given: &Given) -> Result<Vec<String>, ConfigError> {
    let origins = items(&given.cors_origins);
    if origins.iter().all(|origin| is_origin(origin)) {
        Ok(origins.into_iter().map(str::to_owned).collect())
    } else {
        Err(ConfigError::new(
            "LASTROOM_CORS_ORIGINS",
            "must be origins such as https://example.com, separated by commas",
        ))
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '?', '#', '@']))
}

pub(super) fn public_url(given: &Given) -> Result<Option<String>, ConfigError> {
    match given.public_url.as_deref().map(|text| text.trim().trim_end_matches('/')) {
        None => Ok(None),
        Some(url) if is_origin(url) => Ok(Some(url.to_owned())),
        Some(_) => Err(ConfigError::new("LASTROOM_PUBLIC_URL", "must be an origin such as https://api.example.com")),
    }
}

/// Networks, or single addresses.
pub(super) fn trusted_proxies(given: &Given) -> Result<Vec<IpNet>, ConfigError> {
    let network = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let networks: Option<Vec<IpNet>> = items(&given.trusted_proxies).into_iter().map(network).collect();
    networks.ok_or_else(|| {
        ConfigError::new("LASTROOM_TRUSTED_PROXIES", "must be networks such as 10.0.0.0/8, separated by commas")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn refusal(given: Given) -> String {
        Config::from_parts(given, "").expect_err("refused").to_string()
    }

    #[test]
    fn an_origin_has_no_path_and_no_password() {
        for url in ["api.example.com", "https://", "https://u:p@example.com", "https://example.com/api"] {
            let given = Given { public_url: Some(url.into()), ..Given::default() };
            assert!(refusal(given).starts_with("LASTROOM_PUBLIC_URL must be an origin"));
        }
    }

    #[test]
    fn proxies_are_networks_or_addresses() {
        let given = |text: &str| Given { trusted_proxies: Some(text.into()), ..Given::default() };
        let config = Config::from_parts(given("10.0.0.0/8, ::1,192.0.2.7"), "").expect("valid");
        let texts: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.0/8", "::1/128", "192.0.2.7/32"]);
        for text in ["10.0.0.0/33", "proxy.example.com", "*", "10.0.0.0/8 192.0.2.7"] {
            assert!(refusal(given(text)).starts_with("LASTROOM_TRUSTED_PROXIES must be networks"), "{text}");
        }
    }
}
