package differential

// Class is a named kind of difference with the reason for it.
type Class struct {
	// Name is what docs/differences.md calls it.
	Name string
	// Explains tells whether a difference belongs here. It looks at what the clients sent and at what either processor
	// held at that moment, never at the mere fact that the outputs differ.
	Explains func(*Difference) bool
}

// Classes are all known classes, in the order of docs/differences.md.
var Classes = []Class{
	{"late_window", anyOf(droppedAs(lateWindow))},
	{"newest_first", anyOf(droppedAs(newestFirst))},
	{"equal_end", anyOf(droppedAs(equalEnd))},
	{"earlier_start", anyOf(droppedAs(earlierStart))},
	{"no_start", anyOf(droppedAs(noStart), beginsWith(func(p *Point) bool { return p.Start == 0 }))},
	{"start_after_time", anyOf(droppedAs(startAfterTime), beginsWith(hasImpossibleStart))},
	{"no_time", anyOf(droppedAs(noTime), replacedForNoTime, beginsWith(hasNoTime), hasOutputTime(hasNoTime), heldBehindNoTime)},
	{"not_a_number", anyOf(takenBy(notANumber), spoiledBy(notANumber), beginsWithFate(notANumber))},
	{"negative_increase", anyOf(takenBy(negative), beginsWithFate(negative))},
	{"no_recorded_value", anyOf(takenBy(unrecorded), beginsWithFate(unrecorded), stickyFlag)},
	{"type_change", anyOf(historyLostToType, doubleBecause(doubleMixed))},
	{"integer_overflow", anyOf(integerWraps, doubleBecause(doubleOverflow))},
	{"float_overflow", anyOf(takenBy(tooLarge), spoiledBy(tooLarge), beginsWithFate(tooLarge), overflowsSum, spoiledByOverflow)},
	{"float_rounding", anyOf(roundsOnly)},
	{"bounds_change", anyOf(reboundsState, startsAtRebound)},
	{"malformed_histogram", anyOf(takenBy(malformed), beginsWithFate(malformed), addsToMalformed)},
	{"empty_histogram", anyOf(forgetsSummary)},
	{"count_overflow", anyOf(takenBy(tooMany), beginsWithFate(tooMany))},
	{"bucket_cap", anyOf(tooWide)},
	{"zero_threshold", anyOf(widensOneThreshold)},
	{"exemplars", anyOf(exemplarsOfTheFirst)},
	{"first_zero_point", anyOf(zeroOfANewStream, heldFor(heldNoRoom), tickFor(pendingNoRoom))},
	{"total_at_tick", anyOf(tickFor(pendingHeld), heldFor(heldAfterTick))},
	{"duplicate_recognised", anyOf(takenBy(repeated), beginsWithFate(repeated), tickFor(pendingRepeated))},
	{"duplicate_forgotten", anyOf(droppedAs(forgottenDuplicate))},
	{"whole_milliseconds", anyOf(hasOutputTime(hasPartOfMilli), startInWholeMillis, heldInSameMilli)},
	{"clamped_time", anyOf(hasOutputTime(isClamped), startBeforeClampedTime, heldAsClamped)},
	{"before_engine_start", anyOf(heldFor(heldBeforeBegin))},
	{"stream_limit", anyOf(droppedAs(limited))},
	{"refused_delivery", anyOf(tickFor(pendingRefused), heldFor(heldRefusedZero), neverDelivered)},
	{"resource_without_metrics", anyOf(func(d *Difference) bool { return d.Kind == kindHollow })},
}

// Explain returns the names of the classes that explain a difference.
func Explain(d *Difference) []string {
	var names []string
	for _, class := range Classes {
		if class.Explains(d) {
			names = append(names, class.Name)
		}
	}
	return names
}

type predicate = func(*Difference) bool

func anyOf(predicates ...predicate) predicate {
	return func(d *Difference) bool {
		for _, holds := range predicates {
			if holds(d) {
				return true
			}
		}
		return false
	}
}
