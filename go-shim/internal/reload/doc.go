// SPDX-License-Identifier: Apache-2.0

// Package reload watches one file and hands its content on: once at the start, then each time it has changed. What a
// component makes of the content stays in use until a newer content is accepted, so a bad edit, a half-written file or
// a volume that is away for a while changes nothing but the component's status.
//
// Files are looked at at intervals. Notifications of the system (inotify) are of no use here: bind mounts keep showing
// the file that an editor has replaced, config maps swap a symbolic link further up, and network file systems send none.
package reload
