package ktrdr.operations;

import java.util.LinkedHashMap;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.api.OperationFollower;
import ktrdr.api.OperationsApi;
import ktrdr.api.OperationsApi.Kind;
import ktrdr.cli.Cli;
import ktrdr.report.Document;
import picocli.CommandLine.Option;

/** The options of each command that starts an operation, and the start. */
final class StartOptions {
    @Option(names = "--set", paramLabel = "NAME=VALUE",
            description = "Another field of the request to the backend; may be repeated.") Map<String,
                    String> more = Map.of();
    @Option(names = "--no-follow", description = "Start it, print its id and stop.") boolean noFollow;
    @Option(names = {"-n", "--dry-run"}, description = "Show what would be sent, and stop.") boolean dryRun;

    /**
     * Starts an operation and follows it, as far as the options say so.
     *
     * @param fields of the request, a name and a value in turn; without a value a field is not sent
     */
    Exit start(Cli.Common common, Kind kind, Object... fields) {
        var body = body(fields);
        OperationsApi.complete(kind, body);
        try (var desk = OperationsDesk.open(common)) {
            if (dryRun) return desk.wouldStart(kind, body);
            var id = desk.start(kind, body);
            if (!noFollow && kind != Kind.dummy) return desk.follow(id);
            if (!noFollow) common.console()
                    .note("operation", kind.name(), "it is not followed: it " + OperationFollower.GIVEN_UP);
            if (!common.json()) common.console().print(id);
            return common.report(Document.of("operation-started", Exit.OK).with("operation", id));
        }
    }

    private Map<String, String> body(Object... fields) {
        var body = new LinkedHashMap<String, String>();
        for (int i = 0; i < fields.length; i += 2)
            if (fields[i + 1] != null) body.put((String) fields[i], fields[i + 1].toString());
        body.putAll(more);
        return body;
    }
}
