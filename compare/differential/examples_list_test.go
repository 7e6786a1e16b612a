package differential

import (
	"math"
	"time"
)

// halfMaxInt is half of what an integer can no longer hold.
const halfMaxInt = int64(1) << 62

// examples has one example for each class, in the order of Classes.
var examples = []example{
	{
		class: "late_window",
		requests: []Request{
			at(21.5, sent(10, 20, integer(5))), at(41.5, sent(30, 40, integer(6))),
			at(42.5, sent(20, 30, integer(100))), at(51.5, sent(40, 50, integer(1))),
		},
		contrib: "5@20, 11@40, 12@50",
		ours:    "0@10, 5@20, 11@40, 111@40.001, 112@50",
		also:    []string{"first_zero_point", "total_at_tick"},
	},
	{
		class:    "newest_first",
		requests: []Request{at(41.5, sent(30, 40, integer(4)), sent(20, 30, integer(2)), sent(10, 20, integer(1)))},
		contrib:  "4@40",
		ours:     "0@30, 7@40",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "equal_end",
		requests: []Request{at(21.5, sent(10, 20, integer(5))), at(22.5, sent(12, 20, integer(7)))},
		contrib:  "5@20",
		ours:     "0@10, 5@20, 12@20.001",
		also:     []string{"first_zero_point", "total_at_tick"},
	},
	{
		class:    "earlier_start",
		requests: []Request{at(31.5, sent(20, 30, integer(5))), at(41.5, sent(15, 40, integer(7)))},
		contrib:  "5@30",
		ours:     "0@20, 5@30, 12@40",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "no_start",
		requests: []Request{at(21.5, sent(10, 20, integer(5))), at(31.5, sent(0, 30, integer(7)))},
		contrib:  "5@20",
		ours:     "0@10, 5@20, 12@30",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "start_after_time",
		requests: []Request{at(21.5, sent(60, 20, integer(5))), at(31.5, sent(20, 30, integer(7)))},
		contrib:  "5@20",
		ours:     "0@20, 5@20.001, 12@30",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "no_time",
		requests: []Request{at(21.5, sent(10, 0, integer(5))), at(31.5, sent(20, 0, integer(6)))},
		contrib:  "5@0, 6@0",
		ours:     "0@10, 5@21.5, 11@31.5",
		also:     []string{"first_zero_point"},
	},
	{
		class: "not_a_number",
		requests: []Request{
			at(21.5, sent(10, 20, double(5))), at(31.5, sent(20, 30, double(math.NaN()))), at(41.5, sent(30, 40, double(6))),
		},
		contrib: "5@20, NaN@30, NaN@40",
		ours:    "0@10, 5@20, 11@40",
		also:    []string{"first_zero_point"},
	},
	{
		class: "negative_increase",
		requests: []Request{
			at(21.5, sent(10, 20, integer(5))), at(31.5, sent(20, 30, integer(-3))), at(41.5, sent(30, 40, integer(6))),
		},
		contrib: "5@20, 2@30, 8@40",
		ours:    "0@10, 5@20, 11@40",
		also:    []string{"first_zero_point"},
	},
	{
		class: "no_recorded_value",
		requests: []Request{
			at(21.5, sent(10, 20, Value{}, isUnrecorded)), at(31.5, sent(20, 30, integer(5))), at(41.5, sent(30, 40, integer(6))),
		},
		contrib: "none!@20, 5!@30, 11!@40",
		ours:    "0@20, 5@30, 11@40",
		also:    []string{"first_zero_point"},
	},
	{
		class: "type_change",
		requests: []Request{
			at(21.5, sent(10, 20, integer(100))), at(31.5, sent(20, 30, double(0.5))), at(41.5, sent(30, 40, integer(7))),
		},
		contrib: "100@20, 0.5@30, 7@40",
		ours:    "0@10, 100@20, 100.5@30, 107.5@40",
		also:    []string{"first_zero_point"},
	},
	{
		class:    "integer_overflow",
		requests: []Request{at(21.5, sent(10, 20, integer(halfMaxInt))), at(31.5, sent(20, 30, integer(halfMaxInt)))},
		contrib:  "4611686018427387904@20, -9223372036854775808@30",
		ours:     "0@10, 4611686018427387904@20, 9.223372036854776e+18@30",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "float_overflow",
		requests: []Request{at(21.5, sent(10, 20, double(1.5e308))), at(31.5, sent(20, 30, double(1.4e308)))},
		contrib:  "1.5e+308@20, +Inf@30",
		ours:     "0@10, 1.5e+308@20",
		also:     []string{"first_zero_point"},
	},
	{
		class: "float_rounding",
		requests: []Request{
			at(21.5, sent(10, 20, double(1e16))), at(31.5, sent(20, 30, double(1))), at(41.5, sent(30, 40, double(1))),
		},
		contrib: "1e+16@20, 1e+16@30, 1e+16@40",
		ours:    "0@10, 1e+16@20, 1e+16@30, 1.0000000000000002e+16@40",
		also:    []string{"first_zero_point"},
	},
	{
		class: "bounds_change",
		requests: []Request{
			at(21.5, sent(10, 20, explicitValue([]float64{1, 2}, 6, 1, 1, 1), ofExplicit)),
			at(31.5, sent(20, 30, explicitValue([]float64{2}, 9, 2, 3), ofExplicit)),
		},
		contrib: "3{sum 6; ≤1: 1; ≤2: 1; more: 1}@20, 5{sum 9; ≤2: 2; more: 3}@30",
		ours:    "0{sum 0; ≤1: 0; ≤2: 0; more: 0}@10, 3{sum 6; ≤1: 1; ≤2: 1; more: 1}@20, 8{sum 15; ≤2: 4; more: 4}@30",
		also:    []string{"first_zero_point"},
	},
	{
		class: "malformed_histogram",
		requests: []Request{
			at(21.5, sent(10, 20, explicitValue([]float64{1, 2}, 6, 1, 1, 1), ofExplicit)),
			at(31.5, sent(20, 30, explicitValue([]float64{1, 2}, 4, 2, 2), ofExplicit)),
		},
		contrib: "3{sum 6; ≤1: 1; ≤2: 1; more: 1}@20, 7{sum 10; ≤1: 3; ≤2: 3; more: 1}@30",
		ours:    "0{sum 0; ≤1: 0; ≤2: 0; more: 0}@10, 3{sum 6; ≤1: 1; ≤2: 1; more: 1}@20",
		also:    []string{"first_zero_point"},
	},
	{
		class: "empty_histogram",
		requests: []Request{
			at(21.5, sent(10, 20, explicitValue([]float64{1}, 6, 1, 2), ofExplicit)),
			at(31.5, sent(20, 30, distribution(Distribution{Bounds: []float64{1}, Counts: []uint64{0, 0}}), ofExplicit)),
		},
		contrib: "3{sum 6; ≤1: 1; more: 2}@20, 3{≤1: 1; more: 2}@30",
		ours:    "0{sum 0; ≤1: 0; more: 0}@10, 3{sum 6; ≤1: 1; more: 2}@20, 3{sum 6; ≤1: 1; more: 2}@30",
		also:    []string{"first_zero_point"},
	},
	{
		class: "count_overflow",
		requests: []Request{
			at(21.5, sent(10, 20, explicitValue([]float64{1}, 6, 1<<63, 1), ofExplicit)),
			at(31.5, sent(20, 30, explicitValue([]float64{1}, 6, 1<<63, 1), ofExplicit)),
		},
		contrib: "9223372036854775809{sum 6; ≤1: 9223372036854775808; more: 1}@20, 2{sum 12; ≤1: 0; more: 2}@30",
		ours:    "0{sum 0; ≤1: 0; more: 0}@10, 9223372036854775809{sum 6; ≤1: 9223372036854775808; more: 1}@20",
		also:    []string{"first_zero_point"},
	},
	{
		class:    "bucket_cap",
		requests: []Request{at(21.5, sent(10, 20, exponentialValue(0, -81, manyOnes(162)...), ofExponential))},
		contrib:  "162{scale 0; 162 buckets from -81 to 80}@20",
		ours:     "0{scale -1}@10, 162{scale -1; 82 buckets from -41 to 40}@20",
		also:     []string{"first_zero_point"},
	},
	{
		class: "zero_threshold",
		requests: []Request{
			at(21.5, sent(10, 20, withThreshold(0.3, exponentialValue(0, -1, 1, 1)), ofExponential)),
			at(31.5, sent(20, 30, withThreshold(0.2, exponentialValue(0, -2, 1, 1)), ofExponential)),
		},
		contrib: "2{scale 0; ≤0.3: 0; -1: 1; 0: 1}@20, 4{scale 0; ≤0.3: 1; -1: 2; 0: 1}@30",
		ours:    "0{scale 0; ≤0.3: 0}@10, 2{scale 0; ≤0.3: 0; -1: 1; 0: 1}@20, 4{scale 0; ≤0.5: 1; -1: 2; 0: 1}@30",
		also:    []string{"first_zero_point"},
	},
	{
		class:    "exemplars",
		requests: []Request{at(21.5, sent(10, 20, integer(5), withExemplar(1))), at(31.5, sent(20, 30, integer(6), withExemplar(2)))},
		contrib:  "5[1]@20, 11[1]@30",
		ours:     "0@10, 5[1]@20, 11[2]@30",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "first_zero_point",
		requests: []Request{at(21.5, sent(10, 20, integer(5)))},
		contrib:  "5@20",
		ours:     "0@10, 5@20",
	},
	{
		class:    "total_at_tick",
		requests: []Request{at(31.5, sent(20, 30, integer(5))), at(32.5, sent(15, 25, integer(7)))},
		contrib:  "5@30",
		ours:     "0@20, 5@30, 12@30.001",
		also:     []string{"first_zero_point", "late_window"},
	},
	{
		class:    "duplicate_recognised",
		requests: []Request{at(21.5, sent(10, 20, integer(5))), at(22.5, sent(10, 20, integer(5)))},
		contrib:  "5@20",
		ours:     "0@10, 5@20, 5@20.001",
		also:     []string{"first_zero_point"},
	},
	{
		class: "duplicate_forgotten",
		requests: []Request{
			at(21.5, sent(10, 20, integer(1))), at(31.5, sent(20, 30, integer(2))), at(41.5, sent(30, 40, integer(3))),
			at(51.5, sent(40, 50, integer(4))), at(61.5, sent(50, 60, integer(5))),
			at(71.5, sent(10, 20, integer(1)), sent(60, 70, integer(6))),
		},
		contrib: "1@20, 3@30, 6@40, 10@50, 15@60, 21@70",
		ours:    "0@10, 1@20, 3@30, 6@40, 10@50, 15@60, 22@70",
		also:    []string{"first_zero_point"},
	},
	{
		class:    "whole_milliseconds",
		requests: []Request{at(21.5, sent(10, 20.0005, integer(5)), sent(20.0005, 20.0007, integer(6)))},
		contrib:  "5@20.0005, 11@20.0007",
		ours:     "0@10, 11@20",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "clamped_time",
		requests: []Request{at(21.5, sent(3610, 3620, integer(5))), at(31.5, sent(3620, 3630, integer(6)))},
		change:   lagOfFiveMinutes,
		contrib:  "5@3620, 11@3630",
		ours:     "0@21.5, 5@21.501, 11@31.5",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "before_engine_start",
		requests: []Request{at(1.5, sent(-20, -10, integer(5)), sent(-10, -5, integer(6)))},
		change:   lagOfFiveMinutes,
		contrib:  "5@-10, 11@-5",
		ours:     "0@0.001, 11@0.002",
		also:     []string{"first_zero_point", "total_at_tick"},
	},
	{
		class:    "stream_limit",
		requests: []Request{at(21.5, sent(10, 20, integer(5))), at(22.5, sent(10, 20, integer(7), ofOtherStream))},
		change:   func(s *Scenario) { s.MaxStreams = 1 },
		contrib:  "5@20",
		ours:     "overflow: 0@10, 7@20; 0@10, 5@20",
		also:     []string{"first_zero_point"},
	},
	{
		class:    "refused_delivery",
		requests: []Request{refused(at(21.5, sent(10, 20, integer(5)))), at(22.5, sent(10, 20, integer(5)))},
		contrib:  "nothing",
		ours:     "5@20.001, 5@20.002",
		also:     []string{"duplicate_recognised", "first_zero_point"},
	},
	{
		class:    "resource_without_metrics",
		requests: []Request{{At: 1500 * time.Millisecond, Hollow: true}},
		contrib:  "nothing",
		ours:     "a resource",
	},
}
