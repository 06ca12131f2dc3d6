/* The launcher's engine `ptrace': a process that changes the file names which others hand to the kernel.

   A filter in the kernel (seccomp) stops a process at each system call that takes a file name, and at no other.
   The tracer reads the name; if it is in the store, it puts the name of the real file into a piece of memory of
   the process, and makes the call take that. When the call is over the registers are as they were.

   The memory is had by making the process itself call mmap in place of what it wanted, and then call again what
   it wanted. Each thread has its own.

   A program is started by its interpreter, whose name it holds, and which the kernel looks for: that of a
   script after `#!', that of a binary in the header PT_INTERP, which is the loader of the C library. So exec is
   made to start the interpreter as a program, with the name of the real one as an argument. What a program
   would then find in /proc/self/exe is the loader; it is told of the program instead.

   The traced process is the one that was started, and stays what it is for whoever started it: the tracer is a
   process beside it, which ends with the last process that it traces. */

#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

#ifndef __x86_64__
#error "registers and system calls are those of x86-64"
#endif

#define SYSCALL_SIZE 2     /* bytes of the instruction, which the process goes back to call again */
#define LEAST_MEMORY 32768 /* room for several file names, and for most lists of arguments */
#define MOST_INTERPRETERS 5
#define BUCKETS 1024
#define ARGUMENT(number) (1 << (number))

typedef struct user_regs_struct registers;

enum kind { PLAIN, READLINK, EXEC, EXEC_AT };

/* Which arguments of a system call are file names. */
static const struct call {
    unsigned number;
    unsigned names;
    enum kind kind;
} calls[] = {
    {SYS_open, ARGUMENT(0), PLAIN},
    {SYS_stat, ARGUMENT(0), PLAIN},
    {SYS_lstat, ARGUMENT(0), PLAIN},
    {SYS_access, ARGUMENT(0), PLAIN},
    {SYS_execve, ARGUMENT(0), EXEC},
    {SYS_truncate, ARGUMENT(0), PLAIN},
    {SYS_chdir, ARGUMENT(0), PLAIN},
    {SYS_rename, ARGUMENT(0) | ARGUMENT(1), PLAIN},
    {SYS_mkdir, ARGUMENT(0), PLAIN},
    {SYS_rmdir, ARGUMENT(0), PLAIN},
    {SYS_creat, ARGUMENT(0), PLAIN},
    {SYS_link, ARGUMENT(0) | ARGUMENT(1), PLAIN},
    {SYS_unlink, ARGUMENT(0), PLAIN},
    {SYS_symlink, ARGUMENT(0) | ARGUMENT(1), PLAIN},
    {SYS_readlink, ARGUMENT(0), READLINK},
    {SYS_chmod, ARGUMENT(0), PLAIN},
    {SYS_chown, ARGUMENT(0), PLAIN},
    {SYS_lchown, ARGUMENT(0), PLAIN},
    {SYS_utime, ARGUMENT(0), PLAIN},
    {SYS_utimes, ARGUMENT(0), PLAIN},
    {SYS_mknod, ARGUMENT(0), PLAIN},
    {SYS_statfs, ARGUMENT(0), PLAIN},
    {SYS_getxattr, ARGUMENT(0), PLAIN},
    {SYS_lgetxattr, ARGUMENT(0), PLAIN},
    {SYS_listxattr, ARGUMENT(0), PLAIN},
    {SYS_llistxattr, ARGUMENT(0), PLAIN},
    {SYS_setxattr, ARGUMENT(0), PLAIN},
    {SYS_lsetxattr, ARGUMENT(0), PLAIN},
    {SYS_removexattr, ARGUMENT(0), PLAIN},
    {SYS_lremovexattr, ARGUMENT(0), PLAIN},
    {SYS_inotify_add_watch, ARGUMENT(1), PLAIN},
    {SYS_openat, ARGUMENT(1), PLAIN},
    {SYS_mkdirat, ARGUMENT(1), PLAIN},
    {SYS_mknodat, ARGUMENT(1), PLAIN},
    {SYS_fchownat, ARGUMENT(1), PLAIN},
    {SYS_futimesat, ARGUMENT(1), PLAIN},
    {SYS_newfstatat, ARGUMENT(1), PLAIN},
    {SYS_unlinkat, ARGUMENT(1), PLAIN},
    {SYS_renameat, ARGUMENT(1) | ARGUMENT(3), PLAIN},
    {SYS_linkat, ARGUMENT(1) | ARGUMENT(3), PLAIN},
    {SYS_symlinkat, ARGUMENT(0) | ARGUMENT(2), PLAIN},
    {SYS_readlinkat, ARGUMENT(1), READLINK},
    {SYS_fchmodat, ARGUMENT(1), PLAIN},
    {SYS_faccessat, ARGUMENT(1), PLAIN},
    {SYS_utimensat, ARGUMENT(1), PLAIN},
    {SYS_name_to_handle_at, ARGUMENT(1), PLAIN},
    {SYS_renameat2, ARGUMENT(1) | ARGUMENT(3), PLAIN},
    {SYS_execveat, ARGUMENT(1), EXEC_AT},
    {SYS_statx, ARGUMENT(1), PLAIN},
    {437 /* openat2 */, ARGUMENT(1), PLAIN},
    {439 /* faccessat2 */, ARGUMENT(1), PLAIN},
    {452 /* fchmodat2 */, ARGUMENT(1), PLAIN},
};
#define CALLS (sizeof calls / sizeof *calls)

enum state { RUNNING, GETTING_MEMORY, RESTORING, TELLING_PROGRAM };

/* A traced thread. */
struct task {
    struct task *next;
    pid_t pid;
    enum state state;
    registers saved;     /* as they were when the call began that is under way */
    uint64_t memory;     /* in the process, of this size; 0: none yet */
    size_t memory_size, used;
    char *program;       /* what /proc/self/exe leads to, if that is not what the kernel thinks */
    char *next_program;  /* the same, once the exec under way has succeeded */
};

static struct task *tasks[BUCKETS];

static struct task *find_task(pid_t pid)
{
    struct task **at = &tasks[pid % BUCKETS], *task;

    for (task = *at; task != NULL; task = task->next)
        if (task->pid == pid)
            return task;
    task = calloc(1, sizeof *task);
    if (task == NULL)
        _exit(1); /* and what is traced ends too, rather than go on with wrong names */
    task->pid = pid;
    task->next = *at;
    *at = task;
    return task;
}

static void forget_task(pid_t pid)
{
    struct task **at = &tasks[pid % BUCKETS], *task;

    for (; (task = *at) != NULL; at = &task->next)
        if (task->pid == pid) {
            *at = task->next;
            free(task->program);
            free(task->next_program);
            free(task);
            return;
        }
}

/* ---- the memory of a process ------------------------------------------------------------------------------ */

static ssize_t read_memory(pid_t pid, uint64_t address, void *data, size_t size)
{
    struct iovec here = {data, size}, there = {(void *)address, size};

    return process_vm_readv(pid, &here, 1, &there, 1, 0);
}

static int write_memory(pid_t pid, uint64_t address, const void *data, size_t size)
{
    struct iovec here = {(void *)data, size}, there = {(void *)address, size};

    return process_vm_writev(pid, &here, 1, &there, 1, 0) == (ssize_t)size ? 0 : -1;
}

/* The text at `address`, which must fit; its length, or -1. Reads no further than the page where it ends. */
static ssize_t read_text(pid_t pid, uint64_t address, char *text, size_t size)
{
    size_t length = 0;

    if (address == 0)
        return -1;
    while (length < size) {
        size_t part = 4096 - (address + length) % 4096;
        ssize_t count = read_memory(pid, address + length, text + length, part < size - length ? part : size - length);
        char *end;
        if (count <= 0)
            return -1;
        end = memchr(text + length, '\0', count);
        if (end != NULL)
            return end - text;
        length += count;
    }
    return -1;
}

/* ---- file names ------------------------------------------------------------------------------------------- */

static int is_in_store(const char *file)
{
    return strncmp(file, STORE, STORE_LENGTH) == 0 && (file[STORE_LENGTH] == '/' || file[STORE_LENGTH] == '\0');
}

/* Whether `file` is the link to the program of a traced process; that program. */
static const char *program_of(const struct task *task, const char *file)
{
    char *end;
    long pid;

    if (strncmp(file, "/proc/", 6) != 0)
        return NULL;
    file += 6;
    if (strcmp(file, "self/exe") == 0 || strcmp(file, "thread-self/exe") == 0)
        return task->program;
    pid = strtol(file, &end, 10);
    if (end == file || strcmp(end, "/exe") != 0 || pid <= 0)
        return NULL;
    for (task = tasks[pid % BUCKETS]; task != NULL; task = task->next)
        if (task->pid == pid)
            return task->program;
    return NULL;
}

/* The name by which this process can open what `task` calls `file`; `folder` is a descriptor or AT_FDCWD. */
static void name_for_us(const struct task *task, int folder, const char *file, char *found, size_t size)
{
    if (is_in_store(file))
        snprintf(found, size, "%s%s", root, file);
    else if (*file == '/')
        snprintf(found, size, "%s", file);
    else if (folder == AT_FDCWD)
        snprintf(found, size, "/proc/%d/cwd/%s", task->pid, file);
    else if (*file == '\0')
        snprintf(found, size, "/proc/%d/fd/%d", task->pid, folder);
    else
        snprintf(found, size, "/proc/%d/fd/%d/%s", task->pid, folder, file);
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

static unsigned long long *argument(registers *at, int number)
{
    unsigned long long *all[] = {&at->rdi, &at->rsi, &at->rdx, &at->r10, &at->r8, &at->r9};

    return all[number];
}

static void set_registers(struct task *task, registers *values)
{
    ptrace(PTRACE_SETREGS, task->pid, NULL, values);
}

/* Go on; with `until_end`, stop again when the call is over. */
static void go_on(struct task *task, int until_end, int signal)
{
    ptrace(until_end ? PTRACE_SYSCALL : PTRACE_CONT, task->pid, NULL, (long)signal);
}

/* Let the process get memory of its own in place of what it wants to call; it will call that again. */
static void get_memory(struct task *task, const registers *now, size_t size)
{
    registers changed = *now;

    task->saved = *now;
    task->state = GETTING_MEMORY;
    task->memory_size = size < LEAST_MEMORY ? LEAST_MEMORY : (size + 4095) / 4096 * 4096;
    changed.orig_rax = changed.rax = SYS_mmap;
    changed.rdi = 0;
    changed.rsi = task->memory_size;
    changed.rdx = 3;    /* to be read and written */
    changed.r10 = 0x22; /* private, and of no file */
    changed.r8 = (unsigned long long)-1;
    changed.r9 = 0;
    set_registers(task, &changed);
    go_on(task, 1, 0);
}

/* Put `data` into the memory of the process, for the call under way; its address, or 0. */
static uint64_t put(struct task *task, const void *data, size_t size)
{
    uint64_t address = task->memory + task->used;

    if (task->used + size > task->memory_size || write_memory(task->pid, address, data, size) != 0)
        return 0;
    task->used += (size + 15) / 16 * 16;
    return address;
}

/* Change the names in the arguments; whether the registers in `now` were changed, or -1: memory is being got. */
static int change_names(struct task *task, const struct call *call, registers *now)
{
    char file[PATH_MAX], real[2 * PATH_MAX];
    int number, changed = 0;

    task->used = 0;
    for (number = 0; number < 4; number++) {
        const char *other = NULL;
        uint64_t address;
        if (!(call->names & ARGUMENT(number)))
            continue;
        if (read_text(task->pid, *argument(now, number), file, sizeof file) < 0)
            continue;
        if (is_in_store(file)) {
            snprintf(real, sizeof real, "%s%s", root, file);
            other = real;
        } else if (call->kind == PLAIN) {
            other = program_of(task, file);
        }
        if (other == NULL)
            continue;
        if (task->memory == 0) {
            get_memory(task, now, 0);
            return -1;
        }
        address = put(task, other, strlen(other) + 1);
        if (address != 0) {
            *argument(now, number) = address;
            changed = 1;
        }
    }
    return changed;
}

/* ---- starting programs ------------------------------------------------------------------------------------ */

/* What is to be started: a file and the arguments that come before those that were given, but for the first. */
struct start {
    char file[2 * PATH_MAX];
    char *before[4 + 2 * MOST_INTERPRETERS];
    int count;
    char *program; /* the binary that a loader is to load */
};

static void put_first(struct start *start, const char *text)
{
    memmove(start->before + 1, start->before, start->count * sizeof *start->before);
    start->before[0] = strdup(text);
    start->count++;
}

/* The interpreter that a binary names, if it is in the store. Header and name may be anywhere in the file. */
static int loader_of(int file, char *loader, size_t size)
{
    Elf64_Ehdr header;
    Elf64_Phdr part;
    int number;

    if (pread(file, &header, sizeof header, 0) != sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return 0;
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof part)
        return 0;
    for (number = 0; number < header.e_phnum; number++) {
        if (pread(file, &part, sizeof part, header.e_phoff + number * sizeof part) != sizeof part)
            return 0;
        if (part.p_type != PT_INTERP)
            continue;
        if (part.p_filesz == 0 || part.p_filesz > size)
            return 0;
        if (pread(file, loader, part.p_filesz, part.p_offset) != (ssize_t)part.p_filesz)
            return 0;
        return loader[part.p_filesz - 1] == '\0' && is_in_store(loader);
    }
    return 0;
}

/* Interpreter and argument of a script, if it is one; both are in `head`, which is changed. */
static int interpreter_of(char *head, ssize_t size, char **interpreter, char **option)
{
    char *end;

    if (size < 3 || head[0] != '#' || head[1] != '!')
        return 0;
    head[size] = '\0';
    end = strchr(head, '\n');
    if (end == NULL)
        end = head + size;
    while (end > head + 2 && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    *interpreter = head + 2 + strspn(head + 2, " \t");
    end = *interpreter + strcspn(*interpreter, " \t");
    *option = NULL;
    if (*end != '\0') {
        *end++ = '\0';
        *option = end + strspn(end, " \t");
    }
    return **interpreter != '\0';
}

/* Find out what has to be started for `file` of `task`: whether that is anything but what the kernel would do. */
static int resolve(struct task *task, int folder, const char *file, const char *first, struct start *start)
{
    char head[256 + 1], loader[PATH_MAX], ours[3 * PATH_MAX], *interpreter, *option; /* the kernel reads as much */
    ssize_t size = -1;
    int level, opened, has_loader;

    snprintf(start->file, sizeof start->file, "%s", file);
    put_first(start, first);
    for (level = 0; level < MOST_INTERPRETERS; level++) {
        name_for_us(task, folder, start->file, ours, sizeof ours);
        opened = open(ours, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (opened < 0)
            break; /* and the kernel will tell why */
        has_loader = loader_of(opened, loader, sizeof loader);
        size = pread(opened, head, sizeof head - 1, 0);
        close(opened);
        if (has_loader) {
            char *zero = start->before[0];
            char real[2 * PATH_MAX];
            start->program = realpath(ours, NULL);
            /* By a name that the process can open itself, and that has a slash, for the loader looks for others. */
            if (*start->file == '/')
                snprintf(real, sizeof real, "%s", ours);
            else if (folder == AT_FDCWD)
                snprintf(real, sizeof real, "./%s", start->file);
            else if (start->program != NULL) /* the descriptor may be closed by then */
                snprintf(real, sizeof real, "%s", start->program);
            else
                break;
            start->before[0] = strdup(real);
            put_first(start, zero);
            put_first(start, "--argv0");
            put_first(start, loader);
            free(zero);
            snprintf(start->file, sizeof start->file, "%s%s", root, loader);
            return 1;
        }
        if (!interpreter_of(head, size, &interpreter, &option) || !(is_in_store(interpreter) || level > 0))
            break;
        if (*start->file == '\0') /* an open file that is a script */
            snprintf(start->file, sizeof start->file, "/proc/self/fd/%d", folder);
        free(start->before[0]);
        start->before[0] = strdup(start->file);
        if (option != NULL && *option != '\0')
            put_first(start, option);
        put_first(start, interpreter);
        snprintf(start->file, sizeof start->file, "%s", interpreter);
        folder = AT_FDCWD;
    }
    if (is_in_store(start->file)) {
        snprintf(ours, sizeof ours, "%s%s", root, start->file);
        snprintf(start->file, sizeof start->file, "%s", ours);
        return 1;
    }
    return level > 0;
}

/* How many arguments there are at `address`, or -1. */
static long count_arguments(pid_t pid, uint64_t address)
{
    uint64_t pointers[512];
    long count = 0;

    if (address == 0)
        return 0;
    for (;;) {
        size_t part = (4096 - (address + count * 8) % 4096) / 8, number;
        if (part == 0 || part > 512)
            part = 1;
        if (read_memory(pid, address + count * 8, pointers, part * 8) != (ssize_t)(part * 8))
            return -1;
        for (number = 0; number < part; number++)
            if (pointers[number] == 0)
                return count + number;
        count += part;
    }
}

/* Make the call start what has to be started; as `change_names`. */
static int change_exec(struct task *task, const struct call *call, registers *now)
{
    char file[PATH_MAX], first[PATH_MAX];
    int at = call->kind == EXEC_AT, folder = AT_FDCWD, number;
    struct start start = {.count = 0};
    uint64_t list, pointer = 0, *pointers = NULL;
    size_t need;
    long given;
    int changed = 0;

    if (read_text(task->pid, now->rdi * !at + now->rsi * at, file, sizeof file) < 0)
        return 0;
    if (at)
        folder = (int)now->rdi;
    list = at ? now->rdx : now->rsi;
    given = count_arguments(task->pid, list);
    if (given < 0)
        return 0;
    if (given > 0)
        read_memory(task->pid, list, &pointer, sizeof pointer);
    if (given == 0 || read_text(task->pid, pointer, first, sizeof first) < 0)
        snprintf(first, sizeof first, "%s", file);
    if (!resolve(task, folder, file, first, &start))
        goto end;
    need = (given + start.count + 1) * 8 + strlen(start.file) + 64;
    for (number = 0; number < start.count; number++)
        need += strlen(start.before[number]) + 32;
    if (task->memory == 0 || task->memory_size < need) {
        get_memory(task, now, need);
        changed = -1;
        goto end;
    }
    task->used = 0;
    pointers = calloc(given + start.count + 1, 8);
    if (pointers == NULL)
        goto end;
    for (number = 0; number < start.count; number++)
        pointers[number] = put(task, start.before[number], strlen(start.before[number]) + 1);
    if (given > 1)
        read_memory(task->pid, list + 8, pointers + start.count, (given - 1) * 8);
    pointer = put(task, start.file, strlen(start.file) + 1);
    list = put(task, pointers, (start.count + (given > 1 ? given - 1 : 0) + 1) * 8);
    if (pointer == 0 || list == 0)
        goto end;
    if (at) {
        now->rdi = (unsigned long long)AT_FDCWD;
        now->rsi = pointer;
        now->rdx = list;
        now->r8 &= ~0x1000ULL; /* AT_EMPTY_PATH */
    } else {
        now->rdi = pointer;
        now->rsi = list;
    }
    changed = 1;
    free(task->next_program);
    task->next_program = start.program;
    start.program = NULL;
end:
    for (number = 0; number < start.count; number++)
        free(start.before[number]);
    free(start.program);
    free(pointers);
    return changed;
}

/* ---- stops ------------------------------------------------------------------------------------------------ */

static void begin_call(struct task *task)
{
    const struct call *call;
    registers now;
    char file[PATH_MAX];
    int changed;

    if (ptrace(PTRACE_GETREGS, task->pid, NULL, &now) != 0)
        return;
    for (call = calls; call < calls + CALLS && call->number != now.orig_rax; call++)
        continue;
    if (call == calls + CALLS) {
        go_on(task, 0, 0);
        return;
    }
    free(task->next_program);
    task->next_program = NULL;
    task->saved = now;
    if (call->kind == EXEC || call->kind == EXEC_AT) {
        changed = change_exec(task, call, &now);
    } else if (call->kind == READLINK &&
               read_text(task->pid, *argument(&now, call->number == SYS_readlinkat), file, sizeof file) >= 0 &&
               program_of(task, file) != NULL) {
        task->state = TELLING_PROGRAM;
        go_on(task, 1, 0);
        return;
    } else {
        changed = change_names(task, call, &now);
    }
    if (changed < 0)
        return;
    if (changed) {
        task->state = RESTORING;
        set_registers(task, &now);
    }
    go_on(task, changed, 0);
}

/* Give the program of the process as the answer to readlink, if the kernel had any. */
static void tell_program(struct task *task, registers *now)
{
    int shift = task->saved.orig_rax == SYS_readlinkat;
    char file[PATH_MAX];
    const char *found = NULL;
    size_t size = *argument(&task->saved, 2 + shift), length;

    if (read_text(task->pid, *argument(&task->saved, shift), file, sizeof file) >= 0)
        found = program_of(task, file);
    if (found == NULL || (long long)now->rax < 0)
        return;
    length = strlen(found) < size ? strlen(found) : size;
    if (write_memory(task->pid, *argument(&task->saved, 1 + shift), found, length) == 0)
        now->rax = length;
}

static void end_call(struct task *task)
{
    registers now, after = task->saved;

    if (ptrace(PTRACE_GETREGS, task->pid, NULL, &now) != 0)
        return;
    switch (task->state) {
    case GETTING_MEMORY:
        if ((long long)now.rax < 0 && (long long)now.rax > -4096) {
            task->memory = task->memory_size = 0;
            after.rax = now.rax; /* the call fails as mmap did */
        } else {
            task->memory = now.rax;
            after.rip -= SYSCALL_SIZE;
            after.rax = after.orig_rax;
        }
        break;
    case TELLING_PROGRAM:
        tell_program(task, &now);
        after.rax = now.rax;
        break;
    default:
        after.rax = now.rax;
        break;
    }
    after.orig_rax = (unsigned long long)-1; /* nothing for the kernel to start again by itself */
    if (task->state == RESTORING)
        after.orig_rax = now.orig_rax;
    task->state = RUNNING;
    set_registers(task, &after);
    go_on(task, 0, 0);
}

/* A new program runs in what `task` is now; all other threads are gone. */
static void end_exec(struct task *task)
{
    unsigned long before = 0;
    struct task *caller = task;

    if (ptrace(PTRACE_GETEVENTMSG, task->pid, NULL, &before) == 0 && before != 0 && (pid_t)before != task->pid)
        caller = find_task((pid_t)before);
    free(task->program);
    task->program = caller->next_program;
    caller->next_program = NULL;
    if (caller != task)
        forget_task((pid_t)before);
    task->memory = task->memory_size = 0;
    task->state = RUNNING;
    go_on(task, 0, 0);
}

/* A process or thread was made. What has its own memory has a copy of ours as well. */
static void note_child(struct task *task, int event)
{
    unsigned long pid = 0;

    if (ptrace(PTRACE_GETEVENTMSG, task->pid, NULL, &pid) == 0 && pid != 0) {
        struct task *child = find_task((pid_t)pid);
        if (child->program == NULL && task->program != NULL)
            child->program = strdup(task->program);
        if (event != PTRACE_EVENT_CLONE) {
            child->memory = task->memory;
            child->memory_size = task->memory_size;
        }
    }
    go_on(task, 0, 0);
}

static void serve(void)
{
    for (;;) {
        int status, signal, event;
        struct task *task;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0) {
            if (errno == EINTR)
                continue;
            return; /* nobody is left */
        }
        if (!WIFSTOPPED(status)) {
            forget_task(pid);
            continue;
        }
        task = find_task(pid);
        signal = WSTOPSIG(status);
        event = status >> 16;
        if (event == PTRACE_EVENT_SECCOMP)
            begin_call(task);
        else if (event == PTRACE_EVENT_EXEC)
            end_exec(task);
        else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE)
            note_child(task, event);
        else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
            ptrace(PTRACE_LISTEN, pid, NULL, 0L); /* stopped by its user; it stays so until it is continued */
        else if (event == PTRACE_EVENT_STOP)
            go_on(task, task->state != RUNNING, 0);
        else if (signal == (SIGTRAP | 0x80))
            end_call(task);
        else
            go_on(task, task->state != RUNNING, signal);
    }
}

/* ---- the start -------------------------------------------------------------------------------------------- */

static int install_filter(void)
{
    struct sock_filter filter[CALLS + 6];
    struct sock_fprog whole = {.len = CALLS + 6, .filter = filter};
    size_t number;

    filter[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    filter[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    filter[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[3] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (number = 0; number < CALLS; number++)
        filter[4 + number] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[number].number,
                                                          CALLS - number, 0);
    filter[CALLS + 4] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[CALLS + 5] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole, 0, 0);
}

static _Noreturn void be_tracer(pid_t traced, int ready)
{
    const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int answer = 0, null;

    if (ptrace(PTRACE_SEIZE, traced, NULL, options) != 0)
        answer = errno;
    /* Nothing that the program has opened may seem to be open for longer than it runs. */
    setsid();
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int number = 0; number < 3; number++)
        dup2(null, number);
    (void)!chdir("/");
    prctl(PR_SET_NAME, "larix-tracer", 0, 0, 0);
    (void)!write(ready, &answer, sizeof answer);
    dup2(null, ready);
    close_range(3, ~0U, 0);
    if (answer == 0)
        serve();
    _exit(0);
}

int start_traced(void)
{
    pid_t traced = getpid(), between;
    int ready[2], answer = EIO, status;

    if (pipe2(ready, O_CLOEXEC) != 0) {
        say("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* fails where nothing of the kind is asked for */
    between = fork();
    if (between == 0) {
        /* Not a child of the traced process, which might wait for children that it does not know. */
        if (fork() == 0)
            be_tracer(traced, ready[1]);
        _exit(0);
    }
    close(ready[1]);
    if (between > 0)
        while (waitpid(between, &status, 0) < 0 && errno == EINTR)
            continue;
    while (read(ready[0], &answer, sizeof answer) < 0 && errno == EINTR)
        continue;
    close(ready[0]);
    prctl(PR_SET_PTRACER, 0, 0, 0, 0);
    if (answer == EPERM) {
        /* Perhaps a launcher of this pack has started us, and all is done. */
        if (access(STORE, F_OK) == 0)
            return 0;
    }
    if (answer != 0) {
        say("cannot start without namespaces either: ptrace: %s", strerror(answer));
        return -1;
    }
    if (install_filter() != 0) {
        say("cannot start without namespaces either: seccomp: %s", strerror(errno));
        return -1;
    }
    return 0;
}
