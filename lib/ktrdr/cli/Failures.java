package ktrdr.cli;

import ktrdr.Console;
import ktrdr.Invocation;
import ktrdr.Problem;
import ktrdr.cli.Cli.Common;
import ktrdr.report.Document;
import picocli.CommandLine;

/** From an exception to its message, its document with {@code -o json}, and the exit code. */
final class Failures {
    private Failures() {}

    /** A command line that cannot be parsed. */
    static int wrongUsage(CommandLine.ParameterException wrong, String[] arguments, Invocation invocation) {
        var command = wrong.getCommandLine().getCommandSpec().qualifiedName();
        var problem = wrong.getCause() instanceof Problem cause ? cause
                : Problem.usage(command + ": " + wrong.getMessage().replaceFirst("^Error: ", ""));
        var below = wrong.getCommandLine().getSubcommands().keySet();
        if (wrong instanceof CommandLine.UnmatchedArgumentException && !below.isEmpty())
            problem.expected("one of " + String.join(", ", below));
        var common = new Common(invocation);
        common.output = Cli.asked(arguments);
        return report(problem.fix(command + " --help"), common);
    }

    /** Any other exception of a run; an exception that is not a {@link Problem} is a defect. */
    static int report(Exception exception, Common common) {
        try (var console = common.console()) {
            var problem = exception instanceof Problem known ? known
                    : Thread.interrupted() || exception instanceof InterruptedException
                    ? Problem.interrupted("interrupted") : unexpected(exception, console);
            console.problem(problem);
            if (common.json()) common.report(Document.error(problem));
            return problem.exit().code;
        }
    }

    private static Problem unexpected(Exception exception, Console console) {
        if (console.verbose())
            for (var frame : exception.getStackTrace()) console.note("    at " + frame);
        return Problem.failed("something unexpected went wrong: " + exception)
                .fix(console.verbose() ? "this is a defect of the toolkit"
                        : "this is a defect of the toolkit; --verbose shows where");
    }
}
