package ktrdr.inventory;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The sample operation of verify: dummy, backtest or data, what its body says, whether it is followed to its end or
 * cancelled once it progresses, and for how long.
 */
public record SampleSettings(String operation, Map<String, String> body, boolean toItsEnd, Duration timeout) {
    /** The fields without which KTRDR refuses such an operation, or has it fail. */
    public static List<String> required(String operation) {
        return switch (operation) {
            case "backtest" -> List.of("strategy_name", "start_date", "end_date", "model_path");
            case "training" -> List.of("strategy_name");
            default -> List.of();
        };
    }
}
