//! Log set-up. Logs never hold secrets, card data, phones, e-mails or raw bodies.
