# What may come next on the command line of ktrdr: one candidate a line, with a tab and what it means. "@file" stands
# for files, "@test" for the project's tests. Standard input is the table of commands, of which ShellCompletion.java
# tells the form. The environment has KTRDR_LINE, the words after ktrdr, one a line, the last of them the one that is
# being typed; KTRDR_CLI_FOLDER, the current folder, and what leads to the inventory. The inventory is read as it is
# now, as far as names go.

function add(text, meaning, rest) {
  if (index(text, current) == 1 && !(text in seen)) { seen[text] = 1; print text "\t" meaning rest; offered++ }
}

# ---- the inventory ----

function readable(file,   line, ok) {
  ok = (getline line < file) > 0
  close(file)
  return ok
}

function inventory(   place, config) {
  if (asked != "") return (substr(asked, 1, 2) == "~/") ? ENVIRON["HOME"] substr(asked, 2) : asked
  if (ENVIRON["KTRDR_INVENTORY"] != "") return ENVIRON["KTRDR_INVENTORY"]
  for (place = ENVIRON["KTRDR_CLI_FOLDER"]; ; sub(/\/[^\/]*$/, "", place)) {
    if (readable(place "/inventory.yaml")) return place "/inventory.yaml"
    if (place !~ /\//) break
  }
  config = ENVIRON["XDG_CONFIG_HOME"]
  return (config != "" ? config : ENVIRON["HOME"] "/.config") "/ktrdr/inventory.yaml"
}

function know(path, text,   part) {
  if (path == "domain") { domain = text; return }
  if (path == "templates") { templates = text; return }
  if (split(path, part, "/") < 3 || part[1] != "nodes") return
  if (!(part[2] in known)) { known[part[2]] = 1; node[++nodes] = part[2] }
  fact[part[2] "/" part[3] (part[4] == "" ? "" : "/" part[4])] = text
}

# A line without its comment and what is blank at its end.
function bare(line,   i, c, quote) {
  for (i = 1; i <= length(line); i++) {
    c = substr(line, i, 1)
    if (quote != "") { if (c == quote) quote = "" }
    else if ((c == "\"" || c == "\047") && substr(" " line, i, 1) ~ /[ {,:[]/) quote = c
    else if (c == "#" && substr(" " line, i, 1) ~ /[ \t]/) { line = substr(line, 1, i - 1); break }
  }
  sub(/[ \t\r]+$/, "", line)
  return line
}

function unquoted(text) {
  if (text ~ /^".*"$/ || text ~ /^\047.*\047$/) return substr(text, 2, length(text) - 2)
  return text
}

# How many braces and brackets are open at the end of a text.
function open(text,   copy) {
  copy = text
  return gsub(/[{[]/, "", copy) - gsub(/[]}]/, "", copy)
}

# One value of flow style at place at of text flow: a scalar up to where it ends.
function item(   c, from) {
  while (substr(flow, at, 1) == " ") at++
  from = at
  c = substr(flow, at, 1)
  if (c == "\"" || c == "\047") {
    at++
    while (at <= length(flow) && substr(flow, at, 1) != c) at++
    at++
    return substr(flow, from + 1, at - from - 2)
  }
  while (at <= length(flow) && substr(flow, at, 1) !~ /[]{}[,]/ && substr(flow, at, 2) !~ /^:( |$)/) at++
  return unquoted(bare(substr(flow, from, at - from)))
}

function mapping(path,   key, c, depth) {
  for (at++; at <= length(flow); ) {
    c = substr(flow, at, 1)
    if (c == " " || c == ",") { at++; continue }
    if (c == "}") { at++; return }
    key = item()
    while (substr(flow, at, 1) ~ /[: ]/) at++
    c = substr(flow, at, 1)
    if (c == "{") mapping(path key "/")
    else if (c == "[") {
      depth = 0
      do { c = substr(flow, at++, 1); depth += (c == "[") - (c == "]") } while (depth > 0 && at <= length(flow))
    } else if (c == "," || c == "}") know(path key, "")
    else know(path key, item())
  }
}

function read_inventory(file,   line, indent, key, rest, path, level, i, more) {
  if (looked++) return
  read_from = file
  while ((getline line < file) > 0) {
    line = bare(line)
    if (line ~ /^[ ]*$/ || line ~ /^(---|%)/) continue
    match(line, /^ */)
    indent = RLENGTH
    line = substr(line, indent + 1)
    if (!match(line, /^("[^"]*"|\047[^\047]*\047|[^:]+):( +|$)/)) continue
    key = substr(line, 1, RLENGTH)
    rest = substr(line, RLENGTH + 1)
    sub(/: *$/, "", key)
    while (level > 0 && margin[level] >= indent) level--
    path = ""
    for (i = 1; i <= level; i++) path = path name[i] "/"
    if (rest == "") { margin[++level] = indent; name[level] = unquoted(key); continue }
    while (open(rest) > 0 && (getline more < file) > 0) {
      more = bare(more)
      sub(/^ */, "", more)
      rest = rest " " more
    }
    if (rest ~ /^\{/) { flow = rest; at = 1; mapping(path unquoted(key) "/") }
    else know(path unquoted(key), unquoted(rest))
  }
  close(file)
}

function of(one, key, otherwise) { return fact[one "/" key] != "" ? fact[one "/" key] : otherwise }

function is(one, word) {
  return word == one || word == of(one, "id", one) || word == of(one, "host", one) ||
    domain != "" && word == of(one, "host", one) "." domain
}

function meant(one,   i, word) {
  for (i = 1; i <= positionals; i++) {
    word = positional[i]
    if (word == "all" || word == fact[one "/role"] || is(one, word)) return 1
  }
  return 0
}

function named(one,   i) {
  for (i = 1; i <= positionals; i++) if (is(one, positional[i])) return 1
  return 0
}

function offer_nodes(role,   i, one, host) {
  read_inventory(inventory())
  for (i = 1; i <= nodes; i++) {
    one = node[i]
    if (role != "" && fact[one "/role"] != role || named(one)) continue
    host = of(one, "host", one)
    add(one, fact[one "/role"] " node ", of(one, "id", one) ", " host)
    add(of(one, "id", one), "node ", one)
    add(host, "host of ", one)
  }
}

# The roles of nodes that are neither core nor workers.
function offer_roles(   i, role) {
  read_inventory(inventory())
  for (i = 1; i <= nodes; i++) {
    role = fact[node[i] "/role"]
    if (role !~ /^(core|workers|)$/) add(role, "role")
  }
}

function is_role(word,   i) {
  if (word ~ /^(core|workers|all)$/) return 1
  read_inventory(inventory())
  for (i = 1; i <= nodes; i++) if (fact[node[i] "/role"] == word) return 1
  return 0
}

function offer_services(   i, one) {
  read_inventory(inventory())
  for (i = 1; i <= nodes; i++) {
    one = node[i]
    if (!meant(one)) continue
    if (fact[one "/role"] == "core") offer_core_services()
    else if (fact[one "/role"] != "workers") own_services(fact[one "/role"], one)
    else { offer_workers(one, "backtest"); offer_workers(one, "training"); own_services("workers", one) }
  }
}

function offer_core_services(   i, count, all) {
  if (own_services("core", "core")) return
  count = split(services, all, " ")
  for (i = 1; i <= count; i++) add(all[i], "service of core")
}

# The services of the Compose file that the inventory has in its own folder of templates; how many those are.
function own_services(role, one,   file, line, inside, found, names, i, count) {
  if (templates == "") return 0
  file = templates
  if (substr(file, 1, 2) == "~/") file = ENVIRON["HOME"] substr(file, 2)
  else if (file !~ /^\//) {
    line = read_from
    file = (sub(/\/[^\/]*$/, "/", line) ? line : "") file
  }
  file = file "/" role "/"
  # Compose's own order
  count = split("compose.yaml compose.yml docker-compose.yaml docker-compose.yml", names, " ")
  for (i = 1; i < count && !readable(file names[i]); i++) continue
  file = file (role ~ /^(core|workers)$/ ? "docker-compose." role ".yml" : names[i])
  while ((getline line < file) > 0) {
    if (line ~ /^[^ #]/) inside = line ~ /^services:/
    else if (inside && line ~ /^  [A-Za-z0-9._-]+: *(#.*)?$/) {
      gsub(/[ :]|#.*/, "", line)
      found++
      if (role != "workers" || line !~ /^(backtest|training)-worker-/) add(line, "service of ", one)
    }
  }
  close(file)
  return found
}

# What the inventory does not say is what runs there: up to three of a type.
function offer_workers(one, type,   i, count) {
  if (fact[one "/gpu"] == "true" && type == "training") { add("training-worker-gpu", "worker of ", one); return }
  count = of(one, "scale", fact[one "/gpu"] == "true" ? 0 : 3)
  if ((one "/workers/backtest") in fact || (one "/workers/training") in fact) count = of(one, "workers/" type, 0)
  for (i = 1; i <= count; i++) add(type "-worker-" i, "worker of ", one)
}

# ---- the command line ----

function offer(kinds, first,   i, count, kind, narrow, before) {
  count = split(kinds, kind, " ")
  # after a role or "all" come names of what that means
  narrow = first > 0 && positionals > 0 && is_role(positional[1]) ? positional[1] : ""
  if (narrow == "all" || narrow != "" && positional[positionals] == "all") return
  for (i = 1; i <= count; i++) {
    if (kind[i] == "@node") { if (narrow != "core") offer_nodes(narrow == "all" ? "" : narrow) }
    else if (kind[i] == "@role") { if (positionals == first) offer_roles() }
    else if (kind[i] == "@worker") offer_nodes("workers")
    else if (kind[i] == "@service") { if (narrow != "workers") offer_services() }
    else if (kind[i] ~ /^@(file|test)$/) print kind[i]
    else if (kind[i] ~ /^@/) continue
    else if (first < 0 || positionals == first) add(kind[i], kind[i] == "all" ? "all of them" : "")
  }
}

function offer_options(   i) {
  for (i = 1; i <= options; i++)
    if (option_of[i] == command && !(option_group[i] in given)) add(option[i], option_meaning[i])
}

BEGIN { FS = "\t" }

# command<tab>path<tab>meaning
$1 == "command" { commands++; path[commands] = $2; meaning[commands] = $3; is_command[$2] = 1 }
# option<tab>path<tab>-s --long<tab>kinds, or - for a flag<tab>once or often<tab>meaning
$1 == "option" {
  count = split($3, names, " ")
  for (i = 1; i <= count; i++) {
    options++
    option_of[options] = $2; option[options] = names[i]
    option_group[options] = $2 "\t" $3; option_meaning[options] = $6
    takes[$2, names[i]] = $4; group[$2, names[i]] = $5 == "once" ? $2 "\t" $3 : ""
  }
}
# positional<tab>path<tab>first<tab>last<tab>kinds
$1 == "positional" {
  positions++
  position_of[positions] = $2; position_first[positions] = $3; position_last[positions] = $4
  position_kinds[positions] = $5
}
# services<tab>of core
$1 == "services" { services = $2 }

END {
  count = split(ENVIRON["KTRDR_LINE"], word, "\n")
  current = word[count]
  for (i = 1; i < count; i++) {
    if (expecting != "") { if (expected ~ /^(-i|--inventory)$/) asked = word[i]; expecting = ""; continue }
    if (!plain && word[i] == "--") { plain = 1; continue }
    if (!plain && word[i] ~ /^-./) {
      name_typed = word[i]
      sub(/=.*/, "", name_typed)
      if (group[command, name_typed] != "") given[group[command, name_typed]] = 1
      if (takes[command, name_typed] == "" || takes[command, name_typed] == "-") continue
      if (word[i] !~ /=/) { expecting = takes[command, name_typed]; expected = name_typed }
      else if (name_typed ~ /^(-i|--inventory)$/) asked = substr(word[i], index(word[i], "=") + 1)
      continue
    }
    longer = command == "" ? word[i] : command " " word[i]
    if (positionals == 0 && longer in is_command) { command = longer; continue }
    if (command == "") exit
    positional[++positionals] = word[i]
  }
  if (expecting != "") { offer(expecting, -1); exit }
  if (!plain && current ~ /^--?[^=]+=/) {
    assigned = substr(current, 1, index(current, "="))
    kinds = takes[command, substr(assigned, 1, length(assigned) - 1)]
    count = split(kinds, kind, " ")
    for (i = 1; i <= count; i++)
      if (kind[i] == "@file") print "@file"
      else if (kind[i] !~ /^[@-]/) add(assigned kind[i], "")
    exit
  }
  if (!plain && current ~ /^-/) { if (command == "") add("--help", "all procedures"); else offer_options(); exit }
  for (i = 1; i <= commands && positionals == 0; i++)
    if (command == "" ? path[i] !~ / / : index(path[i], command " ") == 1 &&
      substr(path[i], length(command) + 2) !~ / /)
      add(command == "" ? path[i] : substr(path[i], length(command) + 2), meaning[i])
  for (i = 1; i <= positions; i++)
    if (position_of[i] == command && position_first[i] <= positionals &&
      (position_last[i] == "*" || position_last[i] >= positionals)) {
      if (position_kinds[i] != "") { expected_something = 1; offer(position_kinds[i], position_first[i]) }
      break
    }
  if (!offered && !expected_something && current == "" && !plain) offer_options()
}
