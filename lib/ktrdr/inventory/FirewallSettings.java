package ktrdr.inventory;

import java.util.List;

/** Addresses and networks of IPv4 and IPv6, such as {@code 10.0.0.0/24}, that may connect in addition to the nodes. */
public record FirewallSettings(List<String> allow) {}
