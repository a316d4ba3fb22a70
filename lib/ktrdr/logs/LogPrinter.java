package ktrdr.logs;

import java.util.ArrayList;
import java.util.List;
import ktrdr.Console;
import ktrdr.report.Document;
import ktrdr.report.Reports;

/** Prints each line behind its node and service, in one column and in a colour of its own; or as a line of JSON. */
public final class LogPrinter implements LogReader.Sink {
    /** How a line looks: with its time, and with escape sequences as they are. */
    public record Style(boolean times, boolean raw) {}

    private final Reports reports;
    private final Style style;
    private final List<String> places;
    private int width;

    /** @param places the expected ones, which set the width of the column; others may follow */
    public LogPrinter(Reports reports, Style style, List<String> places) {
        this.reports = reports;
        this.style = style;
        this.places = new ArrayList<>(places);
        this.width = places.stream().mapToInt(String::length).max().orElse(0);
    }

    @Override
    public boolean take(String time, String node, String service, String text) {
        if (reports.json())
            reports.report(Document.line("log-line").with("time", time).with("node", node).with("service", service)
                    .with("line", text));
        else print(node + " " + service, (style.times() ? time + " " : "")
                + (style.raw() ? text : Console.harmless(text)));
        return !reports.console().unheard();
    }

    private void print(String place, String text) {
        if (!places.contains(place)) places.add(place);
        width = Math.max(width, place.length());
        reports.console().print(place + " ".repeat(width - place.length()), places.indexOf(place), " | " + text);
    }
}
