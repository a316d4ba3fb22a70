package suite;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Table;

/**
 * The rooms: test classes grouped by subject, without the suffix "Test", so that tests can be run by subject. A room
 * may take several lines.
 */
public final class Rooms {
    private static final String ALL = """
            api         ApiFuzz ApiUse Contracted OperationFollower DowntimeProbe HostileHttp Http Jwt Observed \
            OperationsApi OperationsFleet
            api         OperationsReport Prometheus Database StartCommand
            backup      Backup BackupFaults BackupRecord BackupRoundTrip BackupScript BackupTimer BackupFolder
            backup      BackupFile ProgressLines Recovery RenamedDatabase Restore RestoreFaults RestoreScript Rows
            bench       Bench SideBySide Verifying
            cli         Console Documents HelpExamples HelpWidth Json Ktrdr OutputFile StandardOutput Table \
            FullScreen Threads
            cli         Units Waiting Words
            contract    Contract ContractMetrics
            dashboards  ContainerFigures Dashboards DashboardsFleet NodeFigures Rules RulesFleet
            deploy      ComposeChanges DatabaseName DatabaseNames Deploy DeployCut DeployFaults DeployIdle \
            DeployKilled DeployLock DeployPartly OnceScript
            deploy      DeployRefused NodePlan Likeness Migration MigrationScript MoreNodes Restart RestartFleet
            deploy      AddedService Aside ExampleStack Installation OwnStack Pins RetireScript Rollback
            deploy      DeployLocal LocalMatch Scale ScalePlan Takeover WorkerStops
            docs        Blocks Dependencies KtrdrFacts Library Outdated Packages Pages Recipes RecipesPage
            docs        Reliability Runbook Shape
            fleet       Away Connections FanOut FleetOutcomes LongRun RoundTrips SwappedAddresses
            image       ImageArchive ImageStream
            health      RootCauses CheckId ScrapeTargets ServiceChecks WorkerChecks Gpu HealthLog MachineChecks
            health      ProofChecks VerifyInfra
            hostile     AnswersFuzz BitingFleet BitingValues DamagedAnswers FilesFuzz HostilePages HostileTables
            hostile     LeftFolders Planted SecretsWatch
            inventory   ExampleInventory HostKeyPin Inventory InventoryMistakes InventorySchema InventorySecrets
            inventory   InventoryIncludes NoWorkers Secrets Utf8
            lab         Lab Standin StandinApi StandinExporter StandinGrafana StandinModels StandinOperations
            lab         StandinSchema StandinStart StandinStops StandinTraces StandinWorkers
            logs        LastWords LogChoice LogCursor LogMask LogMerge LogNode Logs
            node        ContainerProbe DatabaseData Dns MachineFacts Mount StaleMounts NodeFiles Occupant Operators \
            Registry Room SetupDns Sudoers ContainerUsage
            pictures    Pictures PicturesFleet PicturesInBrowser
            release     Alerting AlertsFleet Firewall FirewallFleet FirewallScript History LockScripts LockFolders \
            NodeLocks TextfileMetrics
            release     StackFacts ReleaseTag Schema Stage StageReload StageRefused FileChanges
            release     ComposeFile FileChangesScript OwnRole Templates
            rotation    GrafanaPassword RotateSecret SecretRotation ScramVerifier
            share       NfsFiles NfsPlan NfsProof SetupNfs SetupNfsFleet ShareFromHost
            shell       Completion CompletionShells ConsoleFleet JavaShell ShellHistory ValueText
            ssh         HeldScript HostKeys LoginShell NeighbourKeys OtherShells ScriptExit Sh Ssh SshConfig SshLogin
            ssh         SshRun SshCut SshSudo Sshd Uncaught
            start       BuiltIn CoreDumps FrontDoor LocalCommand ScriptTemplate Start StartElsewhere
            status      FiringAlert FleetStatus NodeStatus NodeStatusChecks Repeated Status StatusChanges StatusWatch
            suite       EveryProcedure FleetClasses Lane PassCatalog Results Rooms TestNames TimeTable Wait
            verify      BackendLost Failover FailoverChecks WorkerOutage ReportInBrowser Verification Verify \
            VerifyPage VerifyReport
            """;
    private static final Map<String, List<String>> ROOMS = ALL.lines().map(line -> List.of(line.split(" +")))
            .collect(Collectors.toMap(words -> words.get(0), words -> words.subList(1, words.size()), Rooms::joined,
                    TreeMap::new));

    private Rooms() {}

    private static List<String> joined(List<String> first, List<String> second) {
        return Stream.of(first, second).flatMap(List::stream).toList();
    }

    /** The names of the rooms, in order. */
    public static Collection<String> names() {
        return ROOMS.keySet();
    }

    /** The simple names of a room's classes; empty if there is no such room. */
    public static Optional<List<String>> classes(String room) {
        return Optional.ofNullable(ROOMS.get(room)).map(texts -> texts.stream().map(text -> text + "Test").toList());
    }

    /** One row per room. */
    public static Table table() {
        var table = Table.of("room", "classes");
        for (var room : names()) table.row(room, String.join(" ", classes(room).orElseThrow()));
        return table;
    }

    /** Whether the room contains a class, by its full name. */
    public static boolean has(String room, String type) {
        return classes(room).orElse(List.of()).contains(type.substring(type.lastIndexOf('.') + 1));
    }
}
