package near

// Distance is what Of compares by.
var Distance = distance
