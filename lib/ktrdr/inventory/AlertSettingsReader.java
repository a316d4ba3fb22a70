package ktrdr.inventory;

import static ktrdr.inventory.InventorySection.CHAT;
import static ktrdr.inventory.InventorySection.MAILBOX;
import static ktrdr.inventory.InventorySection.MAILBOXES;
import static ktrdr.inventory.InventorySection.SMARTHOST;
import static ktrdr.inventory.InventorySection.URL;
import static ktrdr.inventory.InventorySection.USER;

import java.util.Optional;
import ktrdr.inventory.AlertSettings.Mail;
import ktrdr.inventory.AlertSettings.Telegram;
import ktrdr.inventory.AlertSettings.Webhook;

/** Reads and validates {@code alerts}. */
final class AlertSettingsReader {
    private AlertSettingsReader() {}

    static Optional<AlertSettings> read(InventorySection top) {
        if (!top.has("alerts")) return Optional.empty();
        var section = top.section("alerts");
        var webhook = section.has("webhook") ? Optional.of(webhook(section.section("webhook")))
                : Optional.<Webhook>empty();
        var mail = section.has("mail") ? Optional.of(mail(section.section("mail"))) : Optional.<Mail>empty();
        var telegram = section.has("telegram") ? Optional.of(telegram(section.section("telegram")))
                : Optional.<Telegram>empty();
        section.end();
        if (webhook.isEmpty() && mail.isEmpty() && telegram.isEmpty())
            top.mistake("alerts", "names no receiver, expected webhook, mail or telegram; leave it out to send no "
                    + "alerts");
        return Optional.of(new AlertSettings(webhook, mail, telegram));
    }

    private static Webhook webhook(InventorySection section) {
        var webhook = new Webhook(section.text("url", URL));
        section.end();
        return webhook;
    }

    private static Mail mail(InventorySection section) {
        var mail = new Mail(section.required("to", MAILBOXES), section.required("from", MAILBOX),
                section.required("smarthost", SMARTHOST),
                section.text("user", USER), section.flag("tls", true));
        section.end();
        return mail;
    }

    private static Telegram telegram(InventorySection section) {
        var chat = section.required("chat_id", CHAT);
        section.end();
        return new Telegram(chat.isEmpty() ? 0 : Long.parseLong(chat));
    }
}
