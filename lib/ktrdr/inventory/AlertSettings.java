package ktrdr.inventory;

import java.util.Optional;

/** Where alerts are sent: at least one of these. */
public record AlertSettings(Optional<Webhook> webhook, Optional<Mail> mail, Optional<Telegram> telegram) {
    /** A POST of Alertmanager's JSON to an address; without one the address is a secret. */
    public record Webhook(Optional<String> url) {}

    /**
     * Mail by a smarthost, {@code host:port}; with a user it logs in there, with a password that is a secret.
     * {@code tls} is whether STARTTLS is required.
     */
    public record Mail(String to, String from, String smarthost, Optional<String> user, boolean tls) {}

    /** A message of a bot, whose token is a secret, to a chat. */
    public record Telegram(long chatId) {}
}
