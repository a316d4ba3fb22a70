///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES BackupDb.java
//SOURCES Console.java
//SOURCES Deploy.java
//SOURCES Lab.java
//SOURCES Logs.java
//SOURCES Operations.java
//SOURCES Quickstart.java
//SOURCES Restart.java
//SOURCES Takeover.java
//SOURCES RestoreDb.java
//SOURCES Retire.java
//SOURCES Rollback.java
//SOURCES RotateSecret.java
//SOURCES Run.java
//SOURCES Scale.java
//SOURCES SetupDns.java
//SOURCES SetupNfs.java
//SOURCES Stage.java
//SOURCES Status.java
//SOURCES Verify.java
//SOURCES VerifyInfra.java
//SOURCES ../tests/BenchOptions.java
//SOURCES ../tests/PicturesOptions.java
//SOURCES ../tests/TestOptions.java
//DESCRIPTION Print the shell completion of every procedure

import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.cli.Cli;
import ktrdr.report.Document;
import ktrdr.shell.ShellCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "completion", header = "Print the shell completion of every procedure.",
        description = {"",
            "Completes options, files, and the nodes and services of the inventory as it is at the moment of the "
                    + "Tab, -i on the line included. So it stays valid when a node is added. It completes ktrdr "
                    + "however it is called, as in ./ktrdr deploy, and needs awk, but no Java.",
            ""},
        footer = {"", "Examples:",
            "  eval \"$(./ktrdr completion bash)\"  in this bash; put the line with the checkout's path into "
                    + "~/.bashrc to keep it",
            "  source <(./ktrdr completion zsh)   in this zsh, and in ~/.zshrc",
            "  jbang completion@ktrdr bash >~/.local/share/bash-completion/completions/ktrdr"})
public class Completion implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Parameters(index = "0", paramLabel = "bash|zsh", description = "For which shell.") ShellCompletion.Shell shell;

    public static void main(String... args) {
        Cli.main(new Completion(), args);
    }

    @Override
    public Exit call() {
        var script = ShellCompletion.script(shell, commands());
        if (!common.json()) common.console().print(script.stripTrailing());
        common.report(Document.of("completion", Exit.OK).with("shell", shell).with("script", script));
        return Exit.OK;
    }

    /** All of the catalog, in its order, and the front door's own. */
    static List<CommandLine> commands() {
        var procedures = Stream.of(new VerifyInfra(), new SetupDns(), new SetupNfs(), new Stage(), new Deploy(),
                new Verify(), new Rollback(), new Restart(), new Takeover(), new Retire(), new Scale(), new Status(),
                new Operations(), new Logs(), new Run(),
                new BackupDb(), new RestoreDb(), new RotateSecret(), new Console(), new Lab(), new Quickstart(),
                new Completion()).map(CommandLine::new);
        // building the tests and benchmarks needs much that completion does not
        var others = Stream.of(new TestOptions(), new BenchOptions(), new PicturesOptions())
                .map(command -> new CommandLine(command).addMixin("common", new Cli.Common()));
        return Stream.of(procedures, others, Stream.of(new CommandLine(new Setup()))).flatMap(all -> all).toList();
    }

    /** What ./ktrdr itself does. */
    @Command(name = "setup", header = "Make the procedures known to JBang")
    static final class Setup {
        @Option(names = "--undo", description = "Take it back.") boolean undo;
    }
}
