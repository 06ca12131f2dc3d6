/* What the tests of the launcher run: it does what its first argument says. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void *look(void *counter)
{
    struct stat status;
    for (int number = 0; number < 50; number++)
        if (stat(STORE "/" ITEM "/share/text", &status) == 0)
            ++*(int *)counter;
    return NULL;
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    char text[4096];
    int status, file;

    if (strcmp(wanted, "read") == 0) {
        FILE *stream = fopen(STORE "/" ITEM "/share/text", "r");
        if (stream == NULL || fgets(text, sizeof text, stream) == NULL)
            return 1;
        fputs(text, stdout);
    } else if (strcmp(wanted, "arguments") == 0) {
        for (int number = 0; number < argc; number++)
            printf("%s\n", argv[number]);
    } else if (strcmp(wanted, "self") == 0) {
        ssize_t length = readlink("/proc/self/exe", text, sizeof text - 1);
        text[length] = '\0';
        printf("%s %d\n", strrchr(text, '/') + 1, open("/proc/self/exe", O_RDONLY) >= 0);
    } else if (strcmp(wanted, "exec") == 0) {
        execv(argv[2], argv + 2);
        printf("%s\n", strerror(errno));
    } else if (strcmp(wanted, "spawn") == 0) {
        pid_t pid;
        for (int number = 0; number < 20; number++)
            if (posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ) != 0 ||
                waitpid(pid, &status, 0) < 0)
                return 1;
        printf("%d\n", WEXITSTATUS(status));
    } else if (strcmp(wanted, "descriptor") == 0) {
        char *words[] = {"other", "arguments", NULL};
        file = open(STORE "/" ITEM "/bin/it", O_PATH | O_CLOEXEC);
        fexecve(file, words, environ);
        return 1;
    } else if (strcmp(wanted, "threads") == 0) {
        pthread_t threads[8];
        int counts[8] = {0}, sum = 0;
        for (int number = 0; number < 8; number++)
            pthread_create(&threads[number], NULL, look, &counts[number]);
        for (int number = 0; number < 8; number++) {
            pthread_join(threads[number], NULL);
            sum += counts[number];
        }
        printf("%d\n", sum);
    } else if (strcmp(wanted, "deep") == 0) {
        /* As much of the stack as there is, with a name that is looked up at each step. */
        struct stat there;
        volatile char room[3000];
        room[0] = room[2999] = 0;
        if (argc > 2 && atoi(argv[2]) > 0) {
            char number[16], *words[] = {argv[0], "deep", number, NULL};
            snprintf(number, sizeof number, "%d", atoi(argv[2]) - 1);
            if (stat(STORE "/" ITEM "/share/text", &there) != 0)
                return 1;
            return main(3, words);
        }
        puts("deep");
    } else if (strcmp(wanted, "missing") == 0) {
        file = open(STORE "/" ITEM "/nothing", O_RDONLY);
        printf("%d %d\n", file, errno == ENOENT);
    } else if (strcmp(wanted, "kill") == 0) {
        raise(SIGTERM);
    } else if (strcmp(wanted, "stop") == 0) {
        puts("before");
        fflush(stdout);
        raise(SIGSTOP);
        puts("after");
    } else if (strcmp(wanted, "leave") == 0) {
        if (fork() == 0) {
            char letter;
            while (read(0, &letter, 1) > 0)
                continue;
            _exit(0);
        }
        puts("left");
    } else if (strcmp(wanted, "status") == 0) {
        return atoi(argv[2]);
    } else if (strcmp(wanted, "folder") == 0) {
        printf("%s\n", getcwd(text, sizeof text));
    } else if (strcmp(wanted, "ids") == 0) {
        printf("%d %d\n", getuid(), getgid());
    }
    return 0;
}
