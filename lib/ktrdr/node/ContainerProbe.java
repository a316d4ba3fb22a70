package ktrdr.node;

import ktrdr.Sh;

/**
 * A container that is started on a node and removed, to prove that containers start there, and how they resolve names.
 * It runs the node's own programs, mounted read-only, on an image with one small file: it needs no registry, and is
 * never out of date. The image stays for the next time, and is made again if it was removed. If a killed script left
 * its container behind, the next script removes it.
 */
final class ContainerProbe {
    /** What the image is called on a node. */
    static final String IMAGE = "ktrdr-probe";

    private ContainerProbe() {}

    /**
     * The shell function {@code container}, to be called in a shell of its own: it says the fact {@code container}, and
     * what the script says inside; else {@code container-error}. It wants {@link MachineFacts#engine}.
     */
    static String script(String inside) {
        return Sh.let("inside", inside) + Sh.let("image", IMAGE) + CONTAINER;
    }

    private static final String CONTAINER = """
            there() { docker image inspect "$image" >/dev/null 2>&1; }
            container() {
              name=$image-$$ box=''
            """ + Sh.atEnd("[ -z \"$name\" ] || docker rm -f \"$name\" >/dev/null 2>&1 || :; rm -rf \"$box\"") + """
              # where all containers run nothing was left; the number is that of a script's shell, which may still be \
            at it
              [ "$stopped" = 0 ] || for left in $(docker ps -a --filter "name=^/$image-" --filter status=created \
            --filter status=exited --filter status=dead --format '{{.Names}}'); do
                [ "$(cat "/proc/${left##*-}/comm" 2>/dev/null)" = sh ] || docker rm "$left" >/dev/null 2>&1 || :
              done
              set -- --rm --name "$name" --pull never --entrypoint /bin/sh
              for folder in /bin /lib /lib64 /usr; do
                [ ! -d "$folder" ] || set -- "$@" -v "$folder:$folder:ro"
              done
              set -- "$@" "$image" -c "$inside"
              code=0
              said=$(docker run "$@" 2>&1) || code=$?
              missed=''
              case $said in *'No such image'*) missed=yes ;; esac
              if [ "$code" != 0 ] && { [ -n "$missed" ] || ! there; }; then
                code=0
                # another script may have made it by now
                there || {
            """ + Sh.folder("box", "\"${TMPDIR:-/tmp}\"/ktrdr") + """
                  mkdir "$box/etc"
                  echo 'hosts: files dns' >"$box/etc/nsswitch.conf"
                  said=$(tar -C "$box" -c . | docker import - "$image" 2>&1) || code=$?
                }
                [ "$code" != 0 ] || said=$(docker run "$@" 2>&1) || code=$?
              fi
              if [ "$code" = 0 ]; then
                # it went by itself
                name=''
                say container yes
                printf '%s\\n' "$said"
              else
                say container-error "$said"
              fi
            }
            """;
}
