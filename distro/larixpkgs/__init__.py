"""The distribution: toolchains and packages, found by larix as a catalogue. It may import all of larix."""
