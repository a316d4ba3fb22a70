package ktrdr;

import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * The exit codes of the scripts that run on nodes, each with one meaning in all of them. A script has the number from
 * here: {@link #code}, or {@code exit $NAME} in a text that {@link #numbers} turns. What no code is for ends with that
 * of the command that failed.
 */
public enum ScriptExit {
    /** The image of Grafana has no program that replaces a password. */
    NO_CLI(3),
    /** The node has no tmpfs on which a login to the registry could live. */
    NO_TMPFS(10),
    /** The registry did not take the login. */
    NO_LOGIN(11),
    /** An image could not be pulled. */
    NOT_PULLED(12),
    /** The registry did not answer the login in time. */
    SILENT(13),
    /** A file or folder could not be written, and nothing was replaced. */
    NOT_WRITTEN(20),
    /** Compose refuses its file. */
    COMPOSE_REFUSES(21),
    /** Docker or Compose failed to do what was requested with containers or images. */
    DOCKER_FAILED(22),
    /** promtool refuses prometheus.yml or its rules. */
    PROMTOOL_REFUSES(23),
    /** A link or a folder is in the place of a file of the toolkit. */
    IN_THE_WAY(24),
    /** Some files were replaced, and others were not. */
    PARTLY_REPLACED(25),
    /** The run does not hold the lock any more. */
    LOCK_LOST(26),
    /** A script of an earlier run still runs on the node. */
    LOCK_BUSY(27),
    /** amtool refuses alertmanager.yml. */
    AMTOOL_REFUSES(28),
    /** The lock's path is occupied by something that the toolkit did not put there, or that anyone may put there. */
    UNSAFE(29),
    /** A worker that was to be stopped is busy. */
    AT_WORK(30),
    /** The users of the share cannot write a file to it. */
    SHARE_FILE(31),
    /** The users of the share cannot write to one of its folders. */
    SHARE_FOLDER(32),
    /** A container cannot write to the share. */
    SHARE_CONTAINER(33),
    /** The rules of the firewall could not be put in place. */
    NOT_FILTERED(34),
    /** The container that was to be killed does not run. */
    NOT_RUNNING(35),
    /** What would start the killed container again did not come up. */
    NO_GUARD(36),
    /** A file is not what it was when it was gathered. */
    CHANGED(37),
    /** Something uses a mount that was to be taken off. */
    IN_USE(38),
    /** A service that runs once, before the others, did not end well. */
    ONCE_FAILED(44),
    /**
     * Another backup or restore is under way; systemd counts it as no failure, and templates/backup has the number too.
     */
    BACKUP_BUSY(75),
    /** Any other: success, or how a command in the script ended. */
    OTHER(-1);

    private static final Pattern NAMED = Pattern.compile("\\bexit \\$([A-Z_]+)");

    public final int code;

    ScriptExit(int code) {
        this.code = code;
    }

    /** How a script ended. */
    public static ScriptExit of(CommandResult result) {
        return Arrays.stream(values()).filter(scriptExit -> scriptExit.code == result.exit()).findFirst().orElse(OTHER);
    }

    /**
     * The text of a script with the number for each {@code exit $NAME}; it is for texts that the toolkit has, not for
     * values that were put into them.
     */
    public static String numbers(String script) {
        return NAMED.matcher(script).replaceAll(match -> "exit " + valueOf(match.group(1)).code);
    }
}
